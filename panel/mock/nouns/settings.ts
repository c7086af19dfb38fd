import { HttpResponse, http } from "msw";
import type {
  AlertView,
  Certificate,
  Maintenance,
  Notification,
  Operator,
  Passkey,
  Session,
  Token,
} from "../../lib/api/types";
import { listing, problem } from "../answers";
import { ago, session } from "../grid";

export function operator(name: string, given: Partial<Operator> = {}): Operator {
  return {
    name,
    may: "change",
    disabled: false,
    claimed: true,
    codes: false,
    passkeys: 0,
    sessions: 1,
    tokens: 0,
    added: ago(900_000),
    logged_in: ago(60),
    locked_until: null,
    link_until: null,
    ...given,
  };
}

export const operators: Operator[] = [
  operator("ada", { codes: true, passkeys: 1 }),
  operator("bob", { may: "read", locked_until: ago(-600) }),
  operator("eve", { claimed: false, logged_in: null, link_until: ago(-80_000) }),
];

export const tokens: Token[] = [
  {
    id: "t-1",
    operator: "ada",
    label: "ci",
    scope: "change",
    made: ago(7_000_000),
    expires: ago(-300_000),
    used: ago(30),
  },
];

const phone: Session = { ...session, id: "s-2", node: "ada-phone", current: false };
const passkeys: Passkey[] = [{ id: "p-1", label: "laptop", made: ago(500_000), used: ago(60) }];
const certificate: Certificate = {
  subject: "panel.grid",
  issuer: "gridwire grid",
  names: ["panel.grid", "10.85.0.1"],
  not_before: ago(86_400),
  not_after: ago(-29 * 86_400),
  fingerprint: "b5:41:0e:77",
  source: "internal",
  authority: false,
};

export const notifications: Notification[] = [
  {
    name: "pager",
    kind: "webhook",
    told: "https://hooks.example.com/…",
    only: ["node-down"],
    waiting: 2,
    delivery: { at: ago(40), ok: false, what: "it answered 500" },
  },
  { name: "phone", kind: "ntfy", told: "a topic of ntfy.sh", only: [], waiting: 0, delivery: null },
];

export const alerts: AlertView[] = [
  {
    kind: "node-down",
    subject: "home-2",
    what: "its tunnel is down",
    fix: "see that it is on and online; on it: gridwire doctor",
    since: ago(1_260),
    opened: ago(1_230),
    silent: false,
    flaps: false,
  },
];

const windows: Maintenance[] = [
  {
    id: "a1b2c3d4",
    window: { of: "node:lab-3", begins: ago(600), ends: ago(-3_000), reason: "new disk" },
    author: "operator:ada",
  },
];

const link = (name: unknown) => ({
  operator: String(name),
  urls: [`http://panel.grid:2086/welcome#only-once-${name}`],
  expires: ago(-86_400),
});

export const settingsHandlers = [
  http.get("*/api/v1/operators", () => listing(operators)),
  http.post("*/api/v1/operators", async ({ request }) => {
    const { name } = (await request.json()) as { name: string };
    if (operators.some((each) => each.name === name)) {
      return problem(409, "conflict", `there is an operator ${name} already`, { field: "name" });
    }
    return HttpResponse.json(link(name), { status: 201 });
  }),
  http.patch("*/api/v1/operators/:name", async ({ request, params }) => {
    const { unlock, ...change } = (await request.json()) as { unlock?: boolean } & Partial<Operator>;
    const found = operators.find(({ name }) => name === params.name);
    if (found) Object.assign(found, change, unlock ? { locked_until: null } : {});
    return HttpResponse.json(found as never);
  }),
  http.delete("*/api/v1/operators/:name", () => new HttpResponse(null, { status: 204 })),
  http.post("*/api/v1/operators/:name/link", ({ params }) => HttpResponse.json(link(params.name), { status: 201 })),
  http.get("*/api/v1/tokens", () => listing(tokens)),
  http.post("*/api/v1/tokens", async ({ request }) => {
    const { label, scope } = (await request.json()) as { label: string; scope: Token["scope"] };
    const token = { ...(tokens[0] as Token), id: "t-2", label, scope };
    return HttpResponse.json({ token, secret: "gwt_shown-this-once" }, { status: 201 });
  }),
  http.delete("*/api/v1/tokens/:id", () => new HttpResponse(null, { status: 204 })),
  http.get("*/api/v1/sessions", () => listing([session, phone])),
  http.delete("*/api/v1/sessions/:id", () => new HttpResponse(null, { status: 204 })),
  http.get("*/api/v1/passkeys", () => listing(passkeys)),
  http.post("*/api/v1/totp", () =>
    HttpResponse.json(
      { secret: "JBSWY3DP", uri: "otpauth://totp/grid:ada?secret=JBSWY3DP", picture: "" },
      { status: 201 },
    ),
  ),
  http.put("*/api/v1/totp", async ({ request }) => {
    const { code } = (await request.json()) as { code: string };
    if (code !== "123456") return problem(422, "invalid", "that is not the code of now", { field: "code" });
    return HttpResponse.json({ codes: ["aaaa-1111", "bbbb-2222"] });
  }),
  http.delete("*/api/v1/totp", () => problem(403, "login-again", "this wants a fresh login", { fix: "log in again" })),
  http.post("*/api/v1/session/password", () => problem(401, "wrong-login", "the old password is wrong")),
  http.get("*/api/v1/notifications", () => listing(notifications)),
  http.put("*/api/v1/notifications/:name", () =>
    problem(422, "invalid", "a login may not stand in it", { field: "to.url", fix: "give the receiver a key" }),
  ),
  http.post("*/api/v1/notifications/:name/test", () =>
    HttpResponse.json({ at: ago(0), ok: false, what: "it answered 500" }),
  ),
  http.get("*/api/v1/alerts", () => listing(alerts)),
  http.get("*/api/v1/maintenance", () => listing(windows)),
  http.delete("*/api/v1/maintenance/:id", () => {
    windows.length = 0;
    return new HttpResponse(null, { status: 204 });
  }),
  http.get("*/api/v1/certificates", () => listing([{ gateway: "gw-1", certificate }])),
];
