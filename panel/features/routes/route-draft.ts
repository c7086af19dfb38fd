/** A route as a form holds it, and back. Pure; what is wrong is control's to say. */
import type { Route } from "@/lib/api/types";
import { selectorsOf, selectorText } from "@/lib/selector";

export interface RouteDraft {
  name: string;
  host: string;
  path: string;
  to: string;
  allow: string[];
}

export const newRoute = (to: string): RouteDraft => ({ name: "", host: "", path: "/", to, allow: [] });

export function draftOf(route: Route): RouteDraft {
  return { ...route, allow: route.allow.map(selectorText) };
}

export function routeOf(draft: RouteDraft): Route {
  return {
    name: draft.name.trim() || nameOf(draft.host, draft.path),
    host: draft.host.trim(),
    path: draft.path.trim() || "/",
    to: draft.to,
    allow: selectorsOf(draft.allow),
  };
}

/** A name from where it stands: `wiki` and `/api` → "wiki-api". */
export function nameOf(host: string, path: string): string {
  return `${host === "*" ? "any" : host}${path}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}
