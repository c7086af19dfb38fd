/** A service as a form holds it: text where people type, and back. Pure; what is wrong is control's to say. */
import type { Service } from "@/lib/api/types";
import { selectorsOf, selectorText } from "@/lib/selector";

export interface ServiceDraft {
  name: string;
  target: string;
  on: string[];
  check: Service["health"]["kind"];
  path: string;
  status: number;
  interval: number;
  timeout: number;
  rise: number;
  fall: number;
  balance: Service["balance"];
  weights: Record<string, number>;
  connectTimeout: number;
  readTimeout: number;
  sendTimeout: number;
  retries: number;
}

export const newService: ServiceDraft = {
  name: "",
  target: "127.0.0.1:",
  on: [],
  check: "tcp",
  path: "/",
  status: 200,
  interval: 1_000,
  timeout: 1_000,
  rise: 2,
  fall: 2,
  balance: "round-robin",
  weights: {},
  connectTimeout: 1_000,
  readTimeout: 60_000,
  sendTimeout: 60_000,
  retries: 2,
};

/** `127.0.0.1:9000`, `[fd12::7]:80`, `unix:/run/app.sock`. */
export function targetText(target: Service["target"]): string {
  if (target.kind === "unix") return `unix:${target.path}`;
  return target.address.includes(":") ? `[${target.address}]:${target.port}` : `${target.address}:${target.port}`;
}

/** Null for what is no target; which targets are allowed is control's to judge. */
export function parseTarget(text: string): Service["target"] | null {
  if (text.startsWith("unix:")) return text.length > 5 ? { kind: "unix", path: text.slice(5) } : null;
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text.trim());
  const address = found?.[1] ?? found?.[2];
  return address ? { kind: "tcp", address, port: Number(found?.[3]) } : null;
}

export function draftOf(service: Service): ServiceDraft {
  const { health } = service;
  return {
    name: service.name,
    target: targetText(service.target),
    on: service.on.map(selectorText),
    check: health.kind,
    path: health.path,
    status: health.status,
    interval: health.interval_ms,
    timeout: health.timeout_ms,
    rise: health.rise,
    fall: health.fall,
    balance: service.balance,
    weights: Object.fromEntries(service.weights),
    connectTimeout: service.connect_timeout_ms,
    readTimeout: service.read_timeout_ms,
    sendTimeout: service.send_timeout_ms,
    retries: service.retries,
  };
}

/** Call where `parseTarget(draft.target)` is not null. Weights of 1 are what a node has unless told, and are left out. */
export function serviceOf(draft: ServiceDraft): Service {
  return {
    name: draft.name.trim(),
    target: parseTarget(draft.target) ?? { kind: "unix", path: draft.target },
    on: selectorsOf(draft.on),
    health: {
      kind: draft.check,
      path: draft.check === "http" ? draft.path : "/",
      status: draft.check === "http" ? draft.status : 200,
      interval_ms: draft.interval,
      timeout_ms: draft.timeout,
      rise: draft.rise,
      fall: draft.fall,
    },
    balance: draft.balance,
    weights: Object.entries(draft.weights).filter(([, weight]) => weight !== 1),
    connect_timeout_ms: draft.connectTimeout,
    read_timeout_ms: draft.readTimeout,
    send_timeout_ms: draft.sendTimeout,
    retries: draft.retries,
  };
}

/** Each node's share of new requests, 0 to 1, from the weights of those that serve. */
export function shares(nodes: readonly string[], weights: Record<string, number>): Map<string, number> {
  const of = (node: string) => weights[node] ?? 1;
  const all = nodes.reduce((sum, node) => sum + of(node), 0);
  return new Map(nodes.map((node) => [node, all > 0 ? of(node) / all : 0]));
}

/** Where control's fields stand in the form. */
export const FIELDS: Record<string, string> = {
  "health.path": "path",
  "health.status": "status",
  "health.interval_ms": "interval",
  "health.timeout_ms": "timeout",
  "health.rise": "rise",
  "health.fall": "fall",
  connect_timeout_ms: "connectTimeout",
  read_timeout_ms: "readTimeout",
  send_timeout_ms: "sendTimeout",
};
