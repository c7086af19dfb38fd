/** What users lose while a node is down, or would lose. Pure. */
import type { RouteOutcome } from "@/lib/api/types";

export interface Loss {
  /** Served by nobody without it. */
  lost: RouteOutcome[];
  /** Served by fewer without it. */
  thinner: RouteOutcome[];
}

/** Whether a route is served by nobody without this endpoint; none where it has no part in it. */
function alone(route: RouteOutcome, own: RouteOutcome["endpoints"][number]): boolean | null {
  if (own.drained) return null;
  return route.counts.up - (own.health === "up" ? 1 : 0) === 0;
}

export function lossOf(node: string, routes: readonly RouteOutcome[]): Loss {
  const loss: Loss = { lost: [], thinner: [] };
  for (const route of routes) {
    const own = route.endpoints.find((endpoint) => endpoint.node === node);
    const only = own ? alone(route, own) : null;
    if (only !== null) (only ? loss.lost : loss.thinner).push(route);
  }
  return loss;
}

/** By node, the routes that hang on it alone. Control names the 50 worst endpoints of a route: whoever is lost is there. */
export function losses(routes: readonly RouteOutcome[]): Map<string, RouteOutcome[]> {
  const found = new Map<string, RouteOutcome[]>();
  for (const route of routes) {
    for (const own of route.endpoints) {
      if (alone(route, own)) found.set(own.node, [...(found.get(own.node) ?? []), route]);
    }
  }
  return found;
}

/** "photos", "photos, wiki and 3 others", for a row. */
export function lossText(lost: readonly { route: { name: string } }[], named = 2): string {
  const names = lost.map(({ route }) => route.name);
  if (names.length <= named) return names.join(", ");
  const rest = names.length - named;
  return `${names.slice(0, named).join(", ")} and ${rest} other${rest === 1 ? "" : "s"}`;
}
