import { HttpResponse, http } from "msw";
import type { Device, Invite, Invited, Network, Progress } from "../../lib/api/types";
import { isPreview, listing, preview, problem } from "../answers";
import { ago, crowd, nodes, nodeView } from "../grid";

export const network: Network = {
  prefix: "10.85.0.0/16",
  interface: "gw0",
  suffix: "grid",
  routes_port: 80,
  api_port: 2086,
  enrol_port: 2087,
  edge_port: 2085,
  tls: "off",
  tls_port: 443,
  panel_port: 2443,
  mtu: 1420,
  provider: "wireguard",
  approve: [],
};

export function progress(node: string, given: Partial<Progress> = {}): Progress {
  return {
    node,
    state: "invited",
    expires: ago(-3_540),
    handshakes_begun: 0,
    packets_arrived: 0,
    handshake: false,
    likely_cause:
      "no packet has arrived at the gateway's UDP port: a provider's firewall before the gateway, " +
      "UDP blocked where the newcomer is, or join was not started",
    role: "edge",
    waits_for: "newcomer",
    ...given,
  };
}

/** By name; who is not here was never invited. */
export const invitations = new Map<string, Progress>([
  ["nas", progress("nas", { expires: ago(-1_320) })],
  [
    "office-2",
    progress("office-2", {
      state: "pending",
      handshakes_begun: 1,
      packets_arrived: 412,
      handshake: true,
      likely_cause: "it waits for a yes: gridwire node approve",
      waits_for: "operator",
    }),
  ],
]);

const taken = (name: string) =>
  problem(409, "name-taken", `the name ${name} is taken by a node that is active`, { fix: "choose another name" });

export const invitationHandlers = [
  http.get("*/api/v1/network", () => HttpResponse.json(network as never)),
  http.get("*/api/v1/invitations", () => listing([...invitations.values()])),
  http.post("*/api/v1/invitations", async ({ request }) => {
    const ask = (await request.json()) as Invite;
    const there = nodes.find(({ node }) => node.name === ask.name);
    if (there && !ask.replace) return taken(ask.name);
    const { node } = nodeView(there ? `${ask.name}-new` : ask.name, {
      node: {
        role: ask.role ?? "edge",
        state: "invited",
        address: "10.85.1.41",
        public_key: null,
        tags: ask.tags ?? [],
        needs_approval: ask.needs_approval ?? null,
        replaces: there ? ask.name : null,
      },
    });
    const expires = ago(-(ask.ttl_seconds ?? 3_600));
    const gateways = nodes
      .filter((view) => view.node.role === "gateway")
      .map((view) => ({
        node: view.node.name,
        public_key: view.node.public_key,
        endpoint: view.node.endpoint ?? "",
        address: view.node.address,
        tailnet: null,
      }));
    invitations.set(node.name, progress(node.name, { expires, role: node.role }));
    const invited: Invited = { node, expires, network, gateways };
    return HttpResponse.json(invited as never, { status: 201 });
  }),
  http.get("*/api/v1/invitations/:name", ({ params }) => {
    const found = invitations.get(String(params.name));
    return found ? HttpResponse.json(found as never) : problem(404, "not-found", `${params.name} was never invited`);
  }),
  http.delete("*/api/v1/invitations/:name", ({ params, request }) => {
    if (isPreview(request)) return preview(`the invitation of ${params.name} was cancelled`, {});
    const found = invitations.get(String(params.name));
    const cause = "the invitation expired or was cancelled: invite again";
    if (found) Object.assign(found, { state: "revoked", likely_cause: cause, waits_for: "nobody" });
    return new HttpResponse(null, { status: 204 });
  }),
  http.post("*/api/v1/devices", async ({ request }) => {
    const device = (await request.json()) as Device;
    if (nodes.some(({ node }) => node.name === device.name)) return taken(device.name);
    if (isPreview(request)) {
      return preview(`${device.name} (${device.role}) was added as a device`, {
        gains: [{ who: crowd(device.name), places: [{ host: "wiki.grid", path: "/" }], count: 1 }] as never,
      });
    }
    const view = nodeView(device.name, {
      node: { role: device.role, address: "10.85.2.9", public_key: device.public_key, tags: device.tags ?? [] },
      connected: false,
      latest_handshake: null,
      reported_at: null,
      ahead: null,
      agent_version: "",
      version: null,
      behind: null,
      state: null,
    });
    nodes.push(view);
    return HttpResponse.json(view as never, { status: 201 });
  }),
];
