import { HttpResponse, http } from "msw";
import type { Claim, Login } from "../../lib/api/types";
import { problem } from "../answers";
import { session } from "../grid";

let open = true;

/** Logged in from the start; ada's password is "a few words in a row", bob wants the code 123456 too. */
export const sessionHandlers = [
  http.get("*/api/v1/session", () =>
    open ? HttpResponse.json(session) : problem(401, "login-wanted", "nobody is logged in here", { fix: "log in" }),
  ),
  http.post("*/api/v1/session", async ({ request }) => {
    const { name, password, code } = (await request.json()) as Login;
    if (password !== "a few words in a row") return problem(401, "wrong-login", "name or password is wrong");
    if (name === "bob" && code !== "123456") return problem(401, "code-wanted", "a code is wanted");
    open = true;
    return HttpResponse.json(session);
  }),
  http.delete("*/api/v1/session", () => {
    open = false;
    return new HttpResponse(null, { status: 204 });
  }),
  http.post("*/api/v1/session/claim", async ({ request }) => {
    const { link, password } = (await request.json()) as Claim;
    if (link === "used")
      return problem(401, "wrong-login", "this link was used, or has run out", { fix: "ask for another" });
    if (password.length < 12) return problem(422, "invalid", "it is shorter than 12 characters", { field: "password" });
    open = true;
    return HttpResponse.json(session);
  }),
];
