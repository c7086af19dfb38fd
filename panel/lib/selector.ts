/** Selectors as they are typed: "role:client", "tag:site=a", "node:phone", "policy:home", "user:ada@example.com". */
import type { Selector } from "./api/types";

const KINDS: readonly Selector["kind"][] = ["role", "tag", "node", "policy", "user"];

export function selectorText(selector: Selector): string {
  return `${selector.kind}:${selector.value}`;
}

/** Null for what no selector is; what it names is control's to judge. */
export function parseSelector(text: string): Selector | null {
  const at = text.indexOf(":");
  const kind = KINDS.find((known) => known === text.slice(0, at));
  const value = text.slice(at + 1).trim();
  return kind && value ? { kind, value } : null;
}

/** Of texts that are selectors; what is none is left out, and `SelectorsField` takes none. */
export function selectorsOf(texts: readonly string[]): Selector[] {
  return texts.map(parseSelector).filter((selector) => selector !== null);
}
