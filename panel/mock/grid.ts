/** A small grid, as control would describe it: one thing of every kind, and something wrong with some of them. */
import type { Hop, NodeView, Overview, Session, Topology } from "../lib/api/types";

export const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();

export function nodeView(
  name: string,
  given: Omit<Partial<NodeView>, "node"> & { node?: Partial<NodeView["node"]> } = {},
): NodeView {
  const { node, ...rest } = given;
  return {
    node: {
      name,
      role: "edge",
      state: "active",
      address: "10.85.1.7",
      public_key: "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=",
      endpoint: null,
      tags: [["site", "home"]],
      drained: false,
      needs_approval: false,
      replaces: null,
      tailnet: null,
      ...node,
    },
    connected: true,
    latest_handshake: ago(12),
    reported_at: ago(3),
    ahead: "PT0.1S",
    agent_version: "0.1.0",
    version: [1, 42],
    behind: false,
    state: "in-sync",
    detail: "",
    reach: [],
    findings: [],
    ...rest,
  };
}

export const session: Session = {
  id: "s-1",
  operator: "ada",
  may: "change",
  node: "ada-laptop",
  address: "10.85.2.1",
  by: "password",
  began: ago(3_600),
  used: ago(1),
  ends: ago(-36_000),
  fresh_until: ago(-600),
  current: true,
};

export const nodes: NodeView[] = [
  nodeView("gw-1", {
    node: { role: "gateway", address: "10.85.0.1", endpoint: "203.0.113.7:51820", tags: [["site", "dc"]] },
    latest_handshake: null,
  }),
  nodeView("home-1", { node: { address: "10.85.1.7" } }),
  nodeView("home-2", {
    node: { address: "10.85.1.8" },
    connected: false,
    latest_handshake: ago(1_260),
    reported_at: ago(1_262),
  }),
  nodeView("office-1", {
    node: {
      address: "10.85.1.12",
      tags: [
        ["site", "office"],
        ["rack", "b"],
      ],
    },
    behind: true,
    version: [1, 40],
    findings: [
      {
        id: "route-localnet",
        severity: "warning",
        where: "guard",
        what: "route_localnet is 1 on eth0, which opens 127.0.0.1 to its link",
        fix: "sysctl -w net.ipv4.conf.eth0.route_localnet=0",
        evidence: "net.ipv4.conf.eth0.route_localnet = 1",
      },
    ],
  }),
  nodeView("lab-3", { node: { address: "10.85.1.31", drained: true, tags: [["site", "lab"]] } }),
  nodeView("ada-laptop", { node: { role: "operator", address: "10.85.2.1", tags: [] } }),
  nodeView("phone", {
    node: { role: "client", address: "10.85.2.2", tags: [] },
    connected: false,
    latest_handshake: ago(9_400),
    reported_at: null,
    agent_version: "",
    version: null,
    behind: null,
    state: null,
  }),
  nodeView("nas", {
    node: { state: "invited", address: "10.85.1.40", public_key: null },
    connected: null,
    latest_handshake: null,
    reported_at: null,
    agent_version: "",
    version: null,
    behind: null,
    state: null,
  }),
];

const hops: Hop[] = [
  { kind: "device", name: "phone", state: "ok", detail: "" },
  { kind: "gateway", name: "gw-1", state: "ok", detail: "" },
  {
    kind: "edge",
    name: "home-2",
    state: "broken",
    detail: "No handshake for 21 min; the last report said nothing unusual",
  },
  { kind: "endpoint", name: ":2283", state: "unknown", detail: "" },
];

export const overview: Overview = {
  suffix: "grid",
  version: "0.1.0",
  epoch: 1,
  revision: 42,
  routes: 9,
  failing: [
    {
      route: "photos",
      url: "http://photos.grid/",
      since: ago(1_250),
      reason: "no endpoint of photos can be reached: the tunnel of home-2 is down",
      fix: "see that home-2 is on and online; on it: gridwire doctor",
      hops,
    },
  ],
  nodes: { up: 4, down: 1, unknown: 0, total: 5 },
  traffic: { requests_per_second: 128.4, error_share: 0.0123, p99_ms: 84 },
  perimeter: { verdict: "closed", public_sockets: 1, findings: 0, proved_at: ago(12) },
  attention: [
    {
      noun: "node",
      name: "home-2",
      severity: "critical",
      what: "its tunnel is down",
      fix: "see that it is on and online; on it: gridwire doctor",
      since: ago(1_260),
    },
    {
      noun: "node",
      name: "office-1",
      severity: "warning",
      what: "it has yet to apply revision 42",
      fix: "on it: gridwire logs agent",
      since: ago(340),
    },
    {
      noun: "invitation",
      name: "nas",
      severity: "info",
      what: "its invitation runs out in 22 min",
      fix: "run the command on nas, or invite it again",
      since: ago(2_280),
    },
  ],
  changes: [
    { number: 42, at: ago(1_310), author: "ada", reason: "route photos: changed" },
    { number: 41, at: ago(8_200), author: "ada", reason: "service wiki: changed" },
    { number: 40, at: ago(86_000), author: "root on gw-1", reason: "node lab-3: drained" },
    { number: 39, at: ago(172_000), author: "ada", reason: "policy family: added" },
  ],
};

const item = (name: string, state: "ok" | "broken" | "unknown" = "ok", detail = "", count = 1) => ({
  name,
  state,
  detail,
  count,
});

export const topology: Topology = {
  devices: [item("ada-laptop"), item("phone", "unknown", "away"), item("tablet")],
  gateways: [item("gw-1")],
  edges: [item("home-1"), item("home-2", "broken", "tunnel down"), item("lab-3"), item("office-1")],
  services: [item("api"), item("photos", "broken", "0 of 1 endpoints"), item("wiki")],
  links: [
    { from: "device/ada-laptop", to: "gateway/gw-1", state: "ok", requests_per_second: 12 },
    { from: "device/phone", to: "gateway/gw-1", state: "unknown", requests_per_second: null },
    { from: "device/tablet", to: "gateway/gw-1", state: "ok", requests_per_second: 3 },
    { from: "gateway/gw-1", to: "edge/home-1", state: "ok", requests_per_second: 88 },
    { from: "gateway/gw-1", to: "edge/home-2", state: "broken", requests_per_second: 0 },
    { from: "gateway/gw-1", to: "edge/lab-3", state: "ok", requests_per_second: 0 },
    { from: "gateway/gw-1", to: "edge/office-1", state: "ok", requests_per_second: 40 },
    { from: "edge/home-1", to: "service/api", state: "ok", requests_per_second: 80 },
    { from: "edge/home-1", to: "service/wiki", state: "ok", requests_per_second: 8 },
    { from: "edge/home-2", to: "service/photos", state: "unknown", requests_per_second: 0 },
    { from: "edge/lab-3", to: "service/wiki", state: "ok", requests_per_second: 0 },
    { from: "edge/office-1", to: "service/api", state: "ok", requests_per_second: 40 },
  ],
};
