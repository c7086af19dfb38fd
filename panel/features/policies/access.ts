/** Who a policy lets in, and where to: from the nodes and routes as they are. Pure. */
import type { NodeView, Policy, RouteOutcome, Selector } from "@/lib/api/types";
import { selectorText } from "@/lib/selector";

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

/** What a route allows, with what a policy of it names: "role:client and tag:owner=ann (by policy family)". */
export function allowText(allow: readonly Selector[], policies: readonly Policy[]): string {
  const parts = allow.map((selector) => {
    if (selector.kind !== "policy") return selectorText(selector);
    const named = policies.find(({ name }) => name === selector.value);
    const whom = named === undefined ? "what it names" : named.allow.map(selectorText).join(", ") || "nobody";
    return `${whom} (by policy ${selector.value})`;
  });
  const last = parts.pop();
  if (last === undefined) return "nobody";
  return parts.length > 0 ? `${parts.join(", ")} and ${last}` : last;
}
