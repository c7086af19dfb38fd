/**
 * Every address of the panel. A page's state stands in the query string, since a static export has no page for each
 * name; what opens a drawer is `name`, its tab is `show`.
 */

type Query = Record<string, string | number | undefined>;

function path(base: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `${base}?${text}` : base;
}

/** What any list takes: the row whose drawer is open, its tab, what is filtered for, how it is sorted. */
export interface ListQuery {
  name?: string;
  show?: string;
  filter?: string;
  sort?: string;
}

const list =
  (base: string) =>
  (query: ListQuery = {}) =>
    path(base, { ...query });

export const paths = {
  overview: () => "/",
  nodes: list("/nodes"),
  /** `replace`: the node whose name and tags the new one takes. */
  addNode: (query: { kind?: string; name?: string; step?: string; replace?: string } = {}) => path("/nodes/add", query),
  start: () => "/start",
  services: list("/services"),
  addService: () => "/services/add",
  routes: list("/routes"),
  addRoute: (query: { to?: string } = {}) => path("/routes/add", query),
  tryRequest: (query: { node?: string; method?: string; url?: string } = {}) => path("/routes/try", query),
  policies: list("/policies"),
  traffic: (query: { of?: string; name?: string; since?: string } = {}) => path("/traffic", query),
  perimeter: list("/perimeter"),
  revisions: (query: { number?: number; since?: number; filter?: string } = {}) => path("/revisions", query),
  events: list("/events"),
  settings: (query: { show?: string } = {}) => path("/settings", query),
  login: (query: { back?: string } = {}) => path("/login", query),
} as const;

/** Where a login may lead back to: a path of this panel and nothing else. */
export function safeBack(back: string | null): string {
  if (!back?.startsWith("/") || back.startsWith("//") || back.includes("\\")) return paths.overview();
  return back.startsWith("/login") || back.startsWith("/welcome") ? paths.overview() : back;
}
