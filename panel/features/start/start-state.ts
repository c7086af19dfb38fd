/** The first run, derived from the grid alone: what is done stays done, whoever did it and wherever. Pure. */
import type { Step } from "@/components/steps";
import type { NodeView, RouteOutcome, ServiceOutcome, Session } from "@/lib/api/types";

export type StartId = "operator" | "device" | "edge" | "service" | "route";

export interface StartStep extends Step {
  id: StartId;
  /** The node, service or route that the step is about, where there is one already. */
  subject: string | null;
  /** It has an invitation that can be followed. */
  joining: boolean;
}

export interface Grid {
  session: Session | null;
  nodes: readonly NodeView[];
  services: readonly ServiceOutcome[];
  routes: readonly RouteOutcome[];
}

const YOU = "waits for you";
const GRID = "waits for the grid";

interface Found {
  done: boolean;
  waits: string;
  note: string;
  subject: string | null;
  wrong?: boolean;
  joining?: boolean;
}

export function startSteps(grid: Grid): StartStep[] {
  const found: [StartId, string, Found][] = [
    ["operator", "Create the operator", operator(grid)],
    ["device", "Put a device of yours on the mesh", device(grid)],
    ["edge", "Add the first edge", edge(grid)],
    ["service", "Publish the first service", service(grid)],
    ["route", "Open the first route", route(grid)],
  ];
  const current = found.findIndex(([, , { done }]) => !done);
  return found.map(([id, title, { done, waits, note, subject, wrong, joining }], index) => {
    const now = index === current;
    const state = done ? "done" : now ? (wrong ? "wrong" : "now") : "later";
    return {
      id,
      title,
      state,
      waits: now ? waits : "",
      note: done || now ? note : "",
      subject,
      joining: joining ?? false,
    };
  });
}

export function isStarted(steps: readonly StartStep[]): boolean {
  return steps.every(({ state }) => state === "done");
}

function operator({ session }: Grid): Found {
  if (session) return { done: true, waits: "", note: `you are ${session.operator}`, subject: session.operator };
  return { done: false, waits: YOU, note: "", subject: null };
}

/** The one that is furthest, of those that count. */
function furthest(views: readonly NodeView[]): NodeView | undefined {
  const order = ["quarantined", "invited", "redeemed", "pending", "active"];
  const rank = (view: NodeView) => order.indexOf(view.node.state) + (view.connected ? 0.5 : 0);
  return [...views].filter((view) => rank(view) >= 0).sort((one, other) => rank(other) - rank(one))[0];
}

function joining(view: NodeView): Found {
  const { name, state } = view.node;
  const given = { done: false, subject: name, joining: true };
  if (state === "invited") return { ...given, waits: `${YOU}, at ${name}`, note: `${name} is invited` };
  if (state === "redeemed") return { ...given, waits: GRID, note: `${name} has to confirm through its tunnel` };
  if (state === "pending") return { ...given, waits: "waits for your yes", note: `${name} joined` };
  return { ...given, waits: YOU, wrong: true, note: `the invitation of ${name} was used twice` };
}

function device({ nodes }: Grid): Found {
  const view = furthest(nodes.filter(({ node }) => node.role === "operator" || node.role === "client"));
  if (!view) return { done: false, waits: YOU, note: "", subject: null };
  if (view.node.state !== "active") return joining(view);
  const { name } = view.node;
  if (view.latest_handshake || view.connected) return { done: true, waits: "", note: `${name} called`, subject: name };
  return { done: false, waits: `${YOU}, at ${name}`, note: `${name} is known, and has not called yet`, subject: name };
}

function edge({ nodes }: Grid): Found {
  const view = furthest(nodes.filter(({ node }) => node.role === "edge"));
  if (!view) return { done: false, waits: YOU, note: "", subject: null };
  if (view.node.state !== "active") return joining(view);
  const { name } = view.node;
  if (view.reported_at) return { done: true, waits: "", note: `${name} is in`, subject: name };
  return { done: false, waits: GRID, note: `${name} is in, and its agent has not reported yet`, subject: name };
}

function service({ services }: Grid): Found {
  const serving = services.find(({ counts }) => counts.up > 0);
  if (serving) return { done: true, waits: "", note: `${serving.service.name} serves`, subject: serving.service.name };
  const first = services[0];
  if (!first) return { done: false, waits: YOU, note: "", subject: null };
  const { name } = first.service;
  const checking = first.endpoints.some(({ health }) => health === "checking");
  const worst = first.endpoints.find(({ reason }) => reason);
  const why = first.advice[0] ?? (worst ? `${worst.node}: ${worst.reason}` : `no endpoint of ${name} serves yet`);
  return { done: false, waits: checking ? GRID : YOU, wrong: !checking, note: why, subject: name };
}

function route({ routes }: Grid): Found {
  const open = routes.find(({ can, standing }) => can.count > 0 && (standing === "serving" || standing === "degraded"));
  if (open) return { done: true, waits: "", note: `${open.url} answers`, subject: open.route.name };
  const first = routes.find(({ can }) => can.count > 0) ?? routes[0];
  if (!first) return { done: false, waits: YOU, note: "", subject: null };
  const { name } = first.route;
  const why = first.advice[0] ?? `${name} leads to ${first.route.to}, which does not serve`;
  return { done: false, waits: YOU, wrong: true, note: why, subject: name };
}
