import { HttpResponse, http } from "msw";
import { isPreview, preview, problem, withTag } from "../answers";
import { nodes } from "../grid";

const find = (name: unknown) => nodes.find(({ node }) => node.name === name);
const missing = (name: unknown) =>
  problem(404, "not-found", `there is no node '${name}'`, { fix: "`gridwire node list` names them" });

export const nodeHandlers = [
  http.get("*/api/v1/nodes", () => HttpResponse.json({ items: nodes, next: null, total: nodes.length })),
  http.get("*/api/v1/nodes/:name", ({ params }) => {
    const view = find(params.name);
    return view ? withTag(view, `"${view.node.name}-${view.node.drained}"`) : missing(params.name);
  }),
  http.patch("*/api/v1/nodes/:name", async ({ params, request }) => {
    const view = find(params.name);
    if (!view) return missing(params.name);
    const change = (await request.json()) as { drained?: boolean };
    if (isPreview(request)) {
      const yes = (drained: boolean) => (drained ? "yes" : "no");
      const fields = [{ field: "drained", before: yes(view.node.drained), after: yes(change.drained ?? false) }];
      const after = { ...view.node, ...change };
      return preview(`node ${view.node.name}: changed`, {
        nouns: [{ noun: "node", name: view.node.name, fields, before: view.node, after }],
      });
    }
    Object.assign(view.node, change);
    return withTag(view, `"${view.node.name}-${view.node.drained}"`);
  }),
];
