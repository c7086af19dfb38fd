/** A small grid, as control would describe it: one thing of every kind, and something wrong with some of them. */
import type { Finding, Hop, HopState, NodeView, Overview, Revision, Session, Topology } from "../lib/api/types";

export const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();

export const crowd = (...nodes: string[]) => ({ count: nodes.length, groups: [], rest: 0, nodes });

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
    unreached: "",
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

export const localnet: Finding = {
  id: "route-localnet",
  severity: "warning",
  where: "guard",
  what: "route_localnet is 1 on eth0, which opens 127.0.0.1 to its link",
  fix: "sysctl -w net.ipv4.conf.eth0.route_localnet=0",
  evidence: "net.ipv4.conf.eth0.route_localnet = 1",
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
    findings: [localnet],
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
  nodeView("office-2", {
    node: { state: "pending", address: "10.85.1.13", tags: [["site", "office"]], needs_approval: true },
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
  { kind: "gateway", name: "gw-1", state: "ok", reason: "" },
  { kind: "edge", name: "home-2", state: "broken", reason: "no handshake for 21 minutes" },
  { kind: "endpoint", name: "127.0.0.1:2283", state: "unknown", reason: "" },
];

export const revision = (number: number, seconds: number, author: string, reason: string): Revision => ({
  number,
  epoch: 1,
  at: ago(seconds),
  author,
  reason,
  changed: [reason],
});

export const overview: Overview = {
  at: ago(0),
  suffix: "grid",
  version: "0.1.0",
  epoch: 1,
  revision: 42,
  routes: 9,
  failing: [
    { route: "photos", url: "http://photos.grid/", standing: "failing", hops, since: ago(1_260) },
    {
      route: "api",
      url: "http://api.grid/",
      standing: "degraded",
      since: ago(90),
      hops: [
        { kind: "gateway", name: "gw-1", state: "ok", reason: "" },
        { kind: "edge", name: "office-1", state: "ok", reason: "" },
        { kind: "endpoint", name: "127.0.0.1:9000", state: "broken", reason: "answered 503, not 200" },
      ],
    },
  ],
  failing_count: 2,
  nodes_up: 4,
  nodes_known: 5,
  nodes_unknown: 0,
  perimeter: {
    state: "well",
    say: "1 public socket, 0 findings, read back 12 s ago",
    nodes: 5,
    unknown: [],
    unseen: 0,
    public: 1,
    findings: 0,
    proof: "read-back",
    proved_at: ago(12),
  },
  attention: [
    {
      need: "away",
      severity: "critical",
      subject: "home-2",
      what: "its tunnel is down",
      fix: "on it: gridwire doctor home-2",
      since: ago(1_260),
      others: 0,
    },
    {
      need: "behind",
      severity: "warning",
      subject: "office-1",
      what: "it is at revision 40, and what it must be is of 42",
      fix: "",
      since: null,
      others: 2,
    },
    {
      need: "pending",
      severity: "info",
      subject: "nas",
      what: "it joined, and waits for a yes",
      fix: "gridwire node approve nas",
      since: null,
      others: 0,
    },
  ],
  attention_count: 3,
  changes: [
    revision(42, 1_310, "ada", "route photos: changed"),
    revision(41, 8_200, "ada", "service wiki: changed"),
    revision(40, 86_000, "local:root", "node lab-3: drained"),
    revision(39, 172_000, "ada", "policy family: added"),
  ],
};

const vertex = (id: string, state: HopState = "ok", reason = "") => ({
  id,
  name: id.split("/")[1] ?? id,
  state,
  reason,
  role: null,
  count: 1,
  broken: state === "broken" ? 1 : 0,
  unknown: state === "unknown" ? 1 : 0,
  group: false,
});

const link = (start: string, end: string, state: HopState = "ok") => ({
  start,
  end,
  state,
  reason: "",
  count: 1,
  broken: state === "broken" ? 1 : 0,
  unknown: state === "unknown" ? 1 : 0,
});

export const topology: Topology = {
  revision: 42,
  devices: [vertex("device/ada-laptop"), vertex("device/phone", "unknown", "away"), vertex("device/tablet")],
  gateways: [vertex("gateway/gw-1")],
  edges: [
    vertex("edge/home-1"),
    vertex("edge/home-2", "broken", "no handshake for 21 minutes"),
    vertex("edge/lab-3"),
    vertex("edge/office-1"),
  ],
  services: [vertex("service/api"), vertex("service/photos", "broken", "no endpoint serves"), vertex("service/wiki")],
  links: [
    link("device/ada-laptop", "gateway/gw-1"),
    link("device/phone", "gateway/gw-1", "unknown"),
    link("device/tablet", "gateway/gw-1"),
    link("gateway/gw-1", "edge/home-1"),
    link("gateway/gw-1", "edge/home-2", "broken"),
    link("gateway/gw-1", "edge/lab-3"),
    link("gateway/gw-1", "edge/office-1"),
    link("edge/home-1", "service/api"),
    link("edge/home-1", "service/wiki"),
    link("edge/home-2", "service/photos", "unknown"),
    link("edge/lab-3", "service/wiki"),
    link("edge/office-1", "service/api"),
  ],
};
