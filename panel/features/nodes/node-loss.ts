/** What users lose while a node is down, or would lose. Pure. */
import type { EndpointView, RouteOutcome } from "@/lib/api/types";

export interface Loss {
  /** Served by nobody without it. */
  lost: RouteOutcome[];
  /** Served by fewer without it. */
  thinner: RouteOutcome[];
}

/** The node's endpoint: one that is not among the worst, where there are more than are told of, is up. */
export function ownOf(node: string, { endpoints }: { endpoints: readonly EndpointView[] }): EndpointView {
  const own = endpoints.find((endpoint) => endpoint.node === node);
  return own ?? { node, health: "up", reason: "", drained: false, since: null };
}

/** Whether a route is served by nobody without this endpoint; none where it has no part in it. */
function alone(route: RouteOutcome, own: EndpointView): boolean | null {
  if (own.drained) return null;
  return route.counts.up - (own.health === "up" ? 1 : 0) === 0;
}

/** `routes`: those behind which the node stands. */
export function lossOf(node: string, routes: readonly RouteOutcome[]): Loss {
  const loss: Loss = { lost: [], thinner: [] };
  for (const route of routes) {
    const only = alone(route, ownOf(node, route));
    if (only !== null) (only ? loss.lost : loss.thinner).push(route);
  }
  return loss;
}

/** By node, the routes that hang on it alone. Control names the 50 worst endpoints of a route: who is down is there. */
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
