import { HttpResponse, http } from "msw";
import type { NodePerimeter, Perimeter, SocketView } from "../../lib/api/types";
import { ago, localnet } from "../grid";

export function nodePerimeter(node: string, given: Partial<NodePerimeter> = {}): NodePerimeter {
  return {
    node,
    role: "edge",
    state: "well",
    why: "",
    guard: {
      state: "stands",
      version: [1, 42],
      read_at: ago(4),
      since: ago(90_000),
      detail: "",
      repaired_at: null,
      repaired: "",
    },
    sockets: 4,
    public: 0,
    foreign: 1,
    left_out: 0,
    seen_at: ago(4),
    links: [],
    firewalls: [],
    findings: [],
    proof: "read-back",
    proved_at: ago(12),
    ...given,
  };
}

export function socketView(
  node: string,
  socket: Partial<SocketView["socket"]>,
  given: Partial<Omit<SocketView, "socket">>,
): SocketView {
  return {
    node,
    socket: {
      protocol: "tcp",
      address: "10.85.0.1",
      port: 80,
      pid: 412,
      process: "nginx",
      device: null,
      both: false,
      uid: 33,
      unit: "gridwire-nginx.service",
      owner: "ours",
      ...socket,
    },
    reach: "mesh",
    ways: [{ realm: "mesh", open: true, rule: "role_client may reach 80", who: ["role:client"], unless: [] }],
    ...given,
  };
}

const way = (realm: SocketView["reach"], open: boolean | null, rule: string) => ({
  realm,
  open,
  rule,
  who: [],
  unless: [],
});

export const sockets: SocketView[] = [
  socketView("gw-1", {}, {}),
  socketView(
    "gw-1",
    { protocol: "udp", address: "0.0.0.0", port: 51820, process: "wireguard-go", unit: "gridwire-wg@gw0.service" },
    { reach: "internet", ways: [way("internet", true, "the one public socket: it answers keys alone")] },
  ),
  socketView(
    "gw-1",
    { address: "0.0.0.0", port: 22, process: "sshd", unit: "ssh.service", owner: "foreign", uid: 0 },
    { reach: "internet", ways: [way("internet", true, "no rule of this host's that is known keeps it out")] },
  ),
  socketView(
    "home-1",
    { address: "127.0.0.1", port: 9000, process: "python3", unit: "", owner: "foreign" },
    { reach: "host", ways: [way("link", false, "the guard drops 127.0.0.0/8 from outside")] },
  ),
  socketView(
    "home-2",
    { address: "10.85.1.8", port: 2085 },
    { reach: "unknown", ways: [way("unknown", null, "its agent is silent")] },
  ),
];

const silent = {
  state: "unknown",
  version: null,
  read_at: ago(1_262),
  since: null,
  detail: "its agent is silent",
} as const;

export const perimeter: Perimeter = {
  verdict: {
    state: "unknown",
    say: "1 public socket, 1 finding; nothing is known of home-2 since its agent is silent",
    nodes: 3,
    unknown: ["home-2"],
    unseen: 0,
    public: 1,
    findings: 1,
    proof: "read-back",
    proved_at: ago(12),
  },
  nodes: [
    nodePerimeter("gw-1", { role: "gateway", public: 1 }),
    nodePerimeter("home-1", {
      state: "findings",
      findings: [localnet],
    }),
    nodePerimeter("home-2", {
      state: "unknown",
      why: "its agent is silent",
      guard: { ...silent, repaired_at: null, repaired: "" },
      proof: "none",
      proved_at: null,
    }),
  ],
  sockets: { items: [], next: null, total: sockets.length },
};

export const perimeterHandlers = [
  http.get("*/api/v1/perimeter", () =>
    HttpResponse.json({ ...perimeter, sockets: { items: sockets, next: null, total: sockets.length } } as never),
  ),
];
