import { HttpResponse } from "msw";
import type { Difference, Preview } from "../lib/api/types";

/** problem+json, as control writes it. */
export function problem(status: number, code: string, detail: string, more: { field?: string; fix?: string } = {}) {
  const body = {
    type: "about:blank",
    title: "",
    status,
    detail,
    code,
    field: more.field ?? null,
    fix: more.fix ?? null,
  };
  return HttpResponse.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

export function withTag<T>(value: T, etag: string) {
  return HttpResponse.json(value as never, { headers: { ETag: etag } });
}

/** A whole list on one page. */
export function listing(items: readonly unknown[]) {
  return HttpResponse.json({ items, next: null, total: items.length } as never);
}

/** The same for a filter of one `field:value`, which `has` looks for. */
export function filteredBy<T>(request: Request, items: readonly T[], has: (item: T, field: string) => string[]) {
  const word = new URL(request.url).searchParams.get("filter")?.replace(/"/g, "");
  const at = word?.indexOf(":") ?? -1;
  if (!word || word.startsWith("-") || at < 0) return listing(items);
  return listing(items.filter((item) => has(item, word.slice(0, at)).includes(word.slice(at + 1))));
}

export const isPreview = (request: Request) => new URL(request.url).searchParams.get("preview") === "true";

export const NO_DIFFERENCE: Difference = {
  nouns: [],
  gains: [],
  losses: [],
  redirections: [],
  appear: [],
  go: [],
  upstreams: [],
  unserved: [],
  cuts: [],
  left_out: 0,
};

export function preview(reason: string, difference: Partial<Difference>, notes: string[] = []) {
  const body: Preview = { revision: 42, changes: true, reason, difference: { ...NO_DIFFERENCE, ...difference }, notes };
  return HttpResponse.json(body as never);
}
