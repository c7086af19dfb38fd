import { HttpResponse, http } from "msw";
import type {
  EndpointView,
  Explanation,
  Policy,
  PolicyOutcome,
  Route,
  RouteOutcome,
  Service,
  ServiceOutcome,
} from "../../lib/api/types";
import { filteredBy, isPreview, listing, preview, problem, withTag } from "../answers";
import { ago, crowd, session } from "../grid";

export function service(name: string, given: Partial<Service> = {}): Service {
  return {
    name,
    target: { kind: "tcp", address: "127.0.0.1", port: 9000 },
    on: [{ kind: "tag", value: "site=home" }],
    health: { kind: "http", path: "/healthz", status: 200, interval_ms: 1000, timeout_ms: 1000, rise: 2, fall: 2 },
    balance: "round-robin",
    weights: [],
    connect_timeout_ms: 1000,
    read_timeout_ms: 60_000,
    send_timeout_ms: 60_000,
    retries: 2,
    ...given,
  };
}

const up = (node: string): EndpointView => ({ node, health: "up", reason: "", drained: false, since: ago(90_000) });
const lost = (node: string): EndpointView => ({
  node,
  health: "unknown",
  reason: "its tunnel is down",
  drained: false,
  since: ago(1_260),
});

export const serviceOutcomes: ServiceOutcome[] = [
  {
    service: service("photos", { target: { kind: "tcp", address: "127.0.0.1", port: 2283 } }),
    endpoints: [lost("home-2")],
    standing: "failing",
    counts: { total: 1, up: 0, down: 0, unknown: 1, drained: 0 },
    advice: [],
  },
  {
    service: service("wiki", { weights: [["home-1", 3]] }),
    endpoints: [
      up("home-1"),
      { node: "lab-3", health: "down", reason: "answered 502, not 200", drained: false, since: ago(250) },
      up("office-1"),
    ],
    standing: "degraded",
    counts: { total: 3, up: 2, down: 1, unknown: 0, drained: 0 },
    advice: [],
  },
  {
    service: service("git", {
      target: { kind: "unix", path: "/run/git.sock" },
      on: [{ kind: "node", value: "home-1" }],
    }),
    endpoints: [up("home-1")],
    standing: "serving",
    counts: { total: 1, up: 1, down: 0, unknown: 0, drained: 0 },
    advice: [],
  },
];

function outcome(route: Route, behind: ServiceOutcome, can: string[], cannot: string[]): RouteOutcome {
  const { endpoints, standing, counts } = behind;
  return {
    route,
    url: `http://${route.host}.grid${route.path}`,
    endpoints,
    can_open: can,
    cannot_open: cannot,
    advice: [],
    standing,
    counts,
    can: crowd(...can),
    cannot: crowd(...cannot),
    open_to_you: can.includes(session.node),
  } as RouteOutcome;
}

const client = { kind: "role", value: "client" } as const;
const [photos, wiki, git] = serviceOutcomes as [ServiceOutcome, ServiceOutcome, ServiceOutcome];

export const routeOutcomes: RouteOutcome[] = [
  outcome(
    { name: "photos", host: "photos", path: "/", to: "photos", allow: [{ kind: "policy", value: "family" }] },
    photos,
    ["phone"],
    ["ada-laptop"],
  ),
  outcome({ name: "wiki", host: "wiki", path: "/", to: "wiki", allow: [client] }, wiki, ["ada-laptop", "phone"], []),
  outcome({ name: "git", host: "git", path: "/", to: "git", allow: [] }, git, [], ["ada-laptop", "phone"]),
];

export const policies: Policy[] = [
  { name: "family", allow: [{ kind: "node", value: "phone" }] },
  { name: "nobody-yet", allow: [] },
];

/** Of policies that name nodes. */
function policyOutcome(policy: Policy): PolicyOutcome {
  const routes = routeOutcomes.filter(({ route }) => route.allow.some(({ value }) => value === policy.name));
  return {
    policy,
    can: crowd(...policy.allow.map(({ value }) => value)),
    routes: routes.map(({ route }) => route.name),
    routes_count: routes.length,
  };
}

export const explanation: Explanation = {
  node: "ada-laptop",
  method: "GET",
  url: "http://photos.grid/",
  host: "photos.grid",
  path: "/",
  status: 403,
  code: "not-allowed",
  says: "refused by its policy",
  route: routeOutcomes[0]?.route ?? null,
  service: "photos",
  miss: null,
  verdict: { allowed: false, by: [], wanted: ["policy:family"] },
  endpoints: [],
  hops: [
    { kind: "device", name: "ada-laptop", state: "ok", reason: "" },
    { kind: "gateway", name: "gw-1", state: "broken", reason: "ada-laptop is none of policy:family" },
  ],
  advice: ["to let it in: gridwire route add --name photos --host photos --to photos --allow role:operator"],
};

const put =
  <T extends { name: string }>(noun: string, items: () => T[], keep: (item: T) => void) =>
  async ({ request, params }: { request: Request; params: Record<string, unknown> }) => {
    const body = (await request.json()) as T;
    const before = items().find(({ name }) => name === params.name) ?? null;
    if (isPreview(request)) {
      const fields = Object.keys(body)
        .filter((key) => JSON.stringify(before?.[key as keyof T]) !== JSON.stringify(body[key as keyof T]))
        .map((field) => ({
          field,
          before: before ? JSON.stringify(before[field as keyof T]) : null,
          after: JSON.stringify(body[field as keyof T]),
        }));
      return preview(`${noun} ${body.name}`, {
        nouns: [{ noun, name: body.name, fields, before, after: body }] as never,
      });
    }
    keep(body);
    return withTag(body as never, '"2"');
  };

const one =
  <T extends { name: string }>(noun: string, items: () => T[]) =>
  ({ params }: { params: Record<string, unknown> }) => {
    const found = items().find(({ name }) => name === params.name);
    return found ? withTag(found as never, '"1"') : problem(404, "not-found", `there is no ${noun} '${params.name}'`);
  };

const remove = ({ request }: { request: Request }) =>
  isPreview(request) ? preview("removed", {}) : new HttpResponse(null, { status: 204 });

const ownServices = () => serviceOutcomes.map((each) => each.service);
const ownRoutes = () => routeOutcomes.map((each) => each.route);

export const serviceHandlers = [
  http.get("*/api/v1/outcomes/services", ({ request }) =>
    filteredBy(request, serviceOutcomes, ({ service, endpoints }, field) =>
      field === "node" ? endpoints.map(({ node }) => node) : [service.name],
    ),
  ),
  http.get("*/api/v1/outcomes/routes", ({ request }) =>
    filteredBy(request, routeOutcomes, ({ route, endpoints }, field) =>
      field === "node"
        ? endpoints.map(({ node }) => node)
        : field === "allow"
          ? route.allow.map(({ kind, value }) => `${kind}:${value}`)
          : [route.name],
    ),
  ),
  http.get("*/api/v1/outcomes/policies", () => listing(policies.map(policyOutcome))),
  http.get("*/api/v1/policies", () => listing(policies)),
  http.get("*/api/v1/services/:name", one("service", ownServices)),
  http.get("*/api/v1/routes/:name", one("route", ownRoutes)),
  http.get(
    "*/api/v1/policies/:name",
    one("policy", () => policies),
  ),
  http.put(
    "*/api/v1/services/:name",
    put("service", ownServices, (body) => {
      const found = serviceOutcomes.find(({ service: { name } }) => name === body.name);
      if (found) found.service = body;
    }),
  ),
  http.put(
    "*/api/v1/routes/:name",
    put("route", ownRoutes, (body) => {
      const found = routeOutcomes.find(({ route: { name } }) => name === body.name);
      if (found) found.route = body;
    }),
  ),
  http.put(
    "*/api/v1/policies/:name",
    put(
      "policy",
      () => policies,
      (body) => policies.splice(0, policies.length, ...policies.filter(({ name }) => name !== body.name), body),
    ),
  ),
  http.delete("*/api/v1/services/:name", remove),
  http.delete("*/api/v1/routes/:name", remove),
  http.delete("*/api/v1/policies/:name", remove),
  http.get("*/api/v1/explain", () => HttpResponse.json(explanation as never)),
];
