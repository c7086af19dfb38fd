/**
 * What this panel expects of endpoints that the schema does not describe yet. A type leaves this file when the schema
 * has it: then `types.ts` takes it from there.
 */

export type HopState = "ok" | "broken" | "unknown";

/** One station of a request's way; `state` is that of the segment that leads to it. */
export interface Hop {
  kind: "device" | "gateway" | "edge" | "policy" | "service" | "endpoint";
  name: string;
  state: HopState;
  detail: string;
}

export interface FailingRoute {
  route: string;
  url: string;
  since: string | null;
  reason: string;
  fix: string;
  hops: Hop[];
}

export type PerimeterVerdict = "closed" | "open" | "unknown";

export interface Perimeter {
  verdict: PerimeterVerdict;
  public_sockets: number;
  findings: number;
  proved_at: string | null;
}

export interface Attention {
  noun: "node" | "service" | "route" | "perimeter" | "certificate" | "backup" | "invitation";
  name: string;
  severity: "info" | "warning" | "critical";
  what: string;
  fix: string;
  since: string | null;
}

export interface RevisionLine {
  number: number;
  at: string;
  author: string;
  reason: string;
}

export interface Overview {
  suffix: string;
  version: string;
  epoch: number;
  revision: number;
  failing: FailingRoute[];
  routes: number;
  nodes: { up: number; down: number; unknown: number; total: number };
  traffic: { requests_per_second: number; error_share: number; p99_ms: number } | null;
  perimeter: Perimeter;
  attention: Attention[];
  changes: RevisionLine[];
}

export interface TopologyItem {
  name: string;
  state: HopState;
  detail: string;
  /** How many it stands for, where a column is grouped by tag. */
  count: number;
}

export interface TopologyLink {
  from: string;
  to: string;
  state: HopState;
  requests_per_second: number | null;
}

/** Links join neighbouring columns; a name says its column: "gateway/gw-1". */
export interface Topology {
  devices: TopologyItem[];
  gateways: TopologyItem[];
  edges: TopologyItem[];
  services: TopologyItem[];
  links: TopologyLink[];
}

export interface Session {
  id: string;
  operator: string;
  may: "read" | "change";
  node: string;
  address: string;
  by: "password" | "code" | "passkey" | "link";
  began: string;
  used: string;
  ends: string;
  fresh_until: string;
  current: boolean;
}

export interface Login {
  name: string;
  password: string;
  code?: string | null;
}

export interface Claim {
  link: string;
  password: string;
  code?: string | null;
}
