import { HttpResponse, http } from "msw";
import type { Difference, NodeView } from "../../lib/api/types";
import { isPreview, listing, preview, problem, withTag } from "../answers";
import { crowd, nodes } from "../grid";
import { nodePerimeter, sockets } from "./perimeter";

const find = (name: unknown) => nodes.find(({ node }) => node.name === name);
const missing = (name: unknown) =>
  problem(404, "not-found", `there is no node '${name}'`, { fix: "`gridwire node list` names them" });
const tagOf = ({ node }: NodeView) => `"${node.name}-${node.state}-${node.drained}-${node.tags.join(" ")}"`;

interface NodeChange {
  drained?: boolean;
  tags?: [string, string][];
}

const told = (value: unknown) =>
  Array.isArray(value) ? value.map((tag) => (tag as string[]).join("=")).join(", ") : value ? "yes" : "no";

function changed(view: NodeView, change: NodeChange): Partial<Difference> {
  const fields = (Object.keys(change) as (keyof NodeChange)[]).map((field) => ({
    field,
    before: told(view.node[field]),
    after: told(change[field]),
  }));
  const after = { ...view.node, ...change };
  return { nouns: [{ noun: "node", name: view.node.name, fields, before: view.node, after }] } as Partial<Difference>;
}

export const nodeHandlers = [
  http.get("*/api/v1/nodes", () => listing(nodes)),
  http.get("*/api/v1/nodes/:name", ({ params }) => {
    const view = find(params.name);
    return view ? withTag(view, tagOf(view)) : missing(params.name);
  }),
  http.patch("*/api/v1/nodes/:name", async ({ params, request }) => {
    const view = find(params.name);
    if (!view) return missing(params.name);
    const change = (await request.json()) as NodeChange;
    if (isPreview(request)) return preview(`node ${view.node.name}: changed`, changed(view, change));
    Object.assign(view.node, change);
    return withTag(view, tagOf(view));
  }),
  http.post("*/api/v1/nodes/:name/approve", ({ params, request }) => {
    const view = find(params.name);
    if (!view) return missing(params.name);
    if (isPreview(request)) {
      const upstream = {
        service: "wiki",
        before: 3,
        after: 4,
        enter: crowd(view.node.name),
        leave: crowd(),
        drain: crowd(),
        target_before: null,
        target_after: null,
      };
      return preview(`${view.node.name} was approved`, { upstreams: [upstream] as never });
    }
    view.node.state = "active";
    return withTag(view, tagOf(view));
  }),
  http.post("*/api/v1/nodes/:name/revoke", ({ params, request }) => {
    const view = find(params.name);
    if (!view) return missing(params.name);
    const { name, address } = view.node;
    if (isPreview(request)) {
      return preview(`${name} is revoked`, {
        cuts: [{ who: crowd(name), why: "revoked" }] as never,
        unserved: name === "home-2" ? ["photos"] : [],
      });
    }
    nodes.splice(nodes.indexOf(view), 1);
    return HttpResponse.json({ node: name, address, milliseconds: 143 });
  }),
  http.get("*/api/v1/nodes/:name/sockets", ({ params }) => {
    const view = find(params.name);
    if (!view) return missing(params.name);
    const own = sockets.filter((socket) => socket.node === view.node.name);
    return HttpResponse.json({
      node: nodePerimeter(view.node.name, { role: view.node.role, sockets: own.length }),
      sockets: own,
    } as never);
  }),
];
