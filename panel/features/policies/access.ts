/** Who a policy lets in, and where to: from the nodes and routes as they are. Pure. */
import type { NodeView, Policy, RouteOutcome, Selector } from "@/lib/api/types";

/** Whether a selector names the node; a policy names none by itself, and users are a tailnet's to tell. */
export function names(selector: Selector, { node }: NodeView): boolean {
  switch (selector.kind) {
    case "role":
      return node.role === selector.value;
    case "node":
      return node.name === selector.value;
    case "tag":
      return node.tags.some(([key, value]) => `${key}=${value}` === selector.value);
    default:
      return false;
  }
}

export function letIn(policy: Policy, views: readonly NodeView[]): NodeView[] {
  return views.filter((view) => view.node.state === "active" && policy.allow.some((one) => names(one, view)));
}

export function usedBy(policy: Policy, routes: readonly RouteOutcome[]): RouteOutcome[] {
  return routes.filter(({ route }) =>
    route.allow.some((selector) => selector.kind === "policy" && selector.value === policy.name),
  );
}
