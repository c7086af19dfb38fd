import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import { operator } from "@/mock/nouns/settings";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { destinationOf, newDestination } from "./destination";
import { endingOf } from "./expiry";
import { operatorState } from "./operators-section";
import { SettingsPage } from "./settings-page";

const at = (part: string) => window.history.replaceState(null, "", `?show=${part}`);

describe("settings", () => {
  it("say before a tab is opened who can log in, from where, and what expires, the next first", async () => {
    show(<SettingsPage />);
    const part = (title: string) => screen.getByText(title).closest("section") as HTMLElement;
    await screen.findByText(/From 1 device of role operator: ada-laptop/);
    const people = within(part("Who can log in")).getAllByRole("listitem");
    expect(people.map((line) => line.textContent)).toEqual([
      expect.stringMatching(/may change.*ada.*you.*by password and code, or 1 passkey; last/),
      expect.stringContaining("locked"),
      expect.stringContaining("has no password yet"),
    ]);
    const ends = await within(part("What expires, the next first")).findAllByRole("listitem");
    await waitFor(() =>
      expect(ends.map((line) => line.querySelector("b")?.textContent)).toEqual([
        "one-time link of eve",
        "token ada/ci",
        "certificate panel.grid on gw-1",
      ]),
    );
    within(part("Backups")).getByText(/makes no backups yet/);
  });

  it("say who can log in, and unlock who is locked out", async () => {
    at("operators");
    const { user } = show(<SettingsPage />);
    const bob = (await screen.findByText("bob")).closest("li") as HTMLElement;
    within(bob).getByText("locked");
    await user.click(within(bob).getByRole("button", { name: "Unlock" }));
    await waitFor(() => expect(within(bob).queryByText("locked")).toBeNull());
  });

  it("offer nobody the means to shut themselves out", async () => {
    at("operators");
    show(<SettingsPage />);
    const ada = (await screen.findByText("(you)")).closest("li") as HTMLElement;
    expect(within(ada).queryByRole("button", { name: "Disable" })).toBeNull();
    expect(within(ada).queryByRole("button", { name: "Remove…" })).toBeNull();
  });

  it("show a new operator's link once, and say at its field where the name is taken", async () => {
    at("operators");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Add an operator…" }));
    const name = await screen.findByRole("textbox", { name: "Name" });
    await user.type(name, "ada");
    await user.click(screen.getByRole("button", { name: "Add" }));
    await screen.findByText(/There is an operator ada already/);
    await user.clear(name);
    await user.type(name, "carol");
    await user.click(screen.getByRole("button", { name: "Add" }));
    await screen.findByText("http://panel.grid:2086/welcome#only-once-carol");
  });

  it("offer who may only look no change of operators", async () => {
    server.use(http.get("*/api/v1/session", () => Response.json({ operator: "bob", may: "read", node: "x" })));
    at("operators");
    show(<SettingsPage />);
    await screen.findByText("ada");
    await waitFor(() => expect(screen.queryByRole("button", { name: "Add an operator…" })).toBeNull());
  });

  it("make another link for one who has forgotten", async () => {
    at("operators");
    const { user } = show(<SettingsPage />);
    const eve = (await screen.findByText("eve")).closest("li") as HTMLElement;
    await user.click(within(eve).getByRole("button", { name: "New link" }));
    await screen.findByText("http://panel.grid:2086/welcome#only-once-eve");
  });

  it("remove an operator only by its typed name", async () => {
    const gone: unknown[] = [];
    server.use(
      http.delete("*/api/v1/operators/:name", ({ params }) => {
        gone.push(params.name);
        return new HttpResponse(null, { status: 204 });
      }),
    );
    at("operators");
    const { user } = show(<SettingsPage />);
    const eve = (await screen.findByText("eve")).closest("li") as HTMLElement;
    await user.click(within(eve).getByRole("button", { name: "Remove…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox"), "ev");
    expect(dialog.getByRole("button", { name: "Remove eve" })).toHaveProperty("disabled", true);
    await user.type(dialog.getByRole("textbox"), "e");
    await user.click(dialog.getByRole("button", { name: "Remove eve" }));
    await waitFor(() => expect(gone).toEqual(["eve"]));
  });

  it("revoke a token", async () => {
    const gone: unknown[] = [];
    server.use(
      http.delete("*/api/v1/tokens/:id", ({ params }) => {
        gone.push(params.id);
        return new HttpResponse(null, { status: 204 });
      }),
    );
    at("tokens");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Revoke" }));
    await waitFor(() => expect(gone).toEqual(["t-1"]));
  });

  it("show a token's secret once, when it is made", async () => {
    at("tokens");
    const { user } = show(<SettingsPage />);
    await screen.findByText("ada/ci");
    await user.click(screen.getByRole("button", { name: "Make one…" }));
    await user.type(await screen.findByRole("textbox", { name: "What for" }), "backup");
    await user.click(screen.getByRole("button", { name: "Make" }));
    await screen.findByText("gwt_shown-this-once");
  });

  it("lead to a fresh login where one is wanted", async () => {
    at("you");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Turn off" }));
    const again = await screen.findByRole("link", { name: "Log in again" });
    expect(again.getAttribute("href")).toContain("/login?back=");
  });

  it("keep a wrong old password at the form, and do not log out for it", async () => {
    at("you");
    const { user } = show(<SettingsPage />);
    await user.type(await screen.findByLabelText("The old one"), "x");
    await user.type(screen.getByLabelText("The new one"), "a few words in a row");
    await user.type(screen.getByLabelText("Once more"), "a few words in a row");
    await user.click(screen.getByRole("button", { name: "Change it" }));
    await screen.findByText("The old password is wrong.");
  });

  it("say when a certificate ends, and who renews it", async () => {
    at("certificates");
    show(<SettingsPage />);
    await screen.findByText("panel.grid");
    screen.getByText("the grid itself, renewed by itself");
  });

  it("say what is wrong now, who is told, and whether that is delivered", async () => {
    at("notifications");
    const { user } = show(<SettingsPage />);
    const pager = (await screen.findByText("pager")).closest("li") as HTMLElement;
    within(pager).getByText("does not deliver");
    within(pager).getByText("2 notices wait");
    screen.getByText("Its tunnel is down.");
    const phone = screen.getByText("phone").closest("li") as HTMLElement;
    within(phone).getByText("never tried");
    await user.click(within(phone).getByRole("button", { name: "Test" }));
    await within(phone).findByText("It was not delivered: it answered 500");
  });

  it("say at its field what of a destination is wrong", async () => {
    at("notifications");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Add a destination…" }));
    await user.type(await screen.findByRole("textbox", { name: "Name" }), "hook");
    await user.type(screen.getByRole("textbox", { name: "URL" }), "https://a:b@hooks.example.com/x");
    await user.click(screen.getByRole("button", { name: "Add" }));
    await screen.findAllByText(/A login may not stand in it/);
  });

  /** What is put under each name. */
  function puts(): unknown[] {
    const asked: unknown[] = [];
    server.use(
      http.put("*/api/v1/notifications/:name", async ({ request, params }) => {
        asked.push([params.name, await request.json()]);
        return Response.json({ name: params.name });
      }),
    );
    return asked;
  }

  it("add a destination that is told of some things only", async () => {
    const asked = puts();
    at("notifications");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Add a destination…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox", { name: "Name" }), "hook");
    await user.type(dialog.getByRole("textbox", { name: "URL" }), "https://hooks.example.com/x");
    await user.click(dialog.getByRole("combobox", { name: "Told of" }));
    await user.click(await screen.findByRole("option", { name: "a node is down" }));
    await user.click(dialog.getByRole("button", { name: "Add" }));
    const to = { kind: "webhook", url: "https://hooks.example.com/x", key: "" };
    await waitFor(() => expect(asked).toEqual([["hook", { to, only: ["node-down"] }]]));
  });

  it("change a destination under its name: its secret is typed anew, the rest is as it was", async () => {
    const asked = puts();
    at("notifications");
    const { user } = show(<SettingsPage />);
    const pager = (await screen.findByText("pager")).closest("li") as HTMLElement;
    await user.click(within(pager).getByRole("button", { name: "Change…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox", { name: "URL" }), "https://hooks.example.com/y");
    await user.click(dialog.getByRole("button", { name: "Change it" }));
    const to = { kind: "webhook", url: "https://hooks.example.com/y", key: "" };
    await waitFor(() => expect(asked).toEqual([["pager", { to, only: ["node-down"] }]]));
  });

  it("remove a destination by its typed name", async () => {
    const gone: unknown[] = [];
    server.use(
      http.delete("*/api/v1/notifications/:name", ({ params }) => {
        gone.push(params.name);
        return new HttpResponse(null, { status: 204 });
      }),
    );
    at("notifications");
    const { user } = show(<SettingsPage />);
    const pager = (await screen.findByText("pager")).closest("li") as HTMLElement;
    await user.click(within(pager).getByRole("button", { name: "Remove…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox"), "pager");
    await user.click(dialog.getByRole("button", { name: "Remove pager" }));
    await waitFor(() => expect(gone).toEqual(["pager"]));
  });

  it("plan a maintenance window of an hour from now", async () => {
    const asked: { of: string; begins: string; ends: string; reason: string }[] = [];
    server.use(
      http.post("*/api/v1/maintenance", async ({ request }) => {
        asked.push((await request.json()) as (typeof asked)[number]);
        return Response.json({ id: "w-2" }, { status: 201 });
      }),
    );
    at("notifications");
    const { user } = show(<SettingsPage />);
    await user.click(await screen.findByRole("button", { name: "Plan a window…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.click(dialog.getByRole("button", { name: "Begin it" }));
    await dialog.findByText("Say of what");
    await user.click(dialog.getByRole("combobox", { name: "Of" }));
    await user.click(await screen.findByRole("option", { name: "node:home-1" }));
    await user.type(dialog.getByRole("textbox", { name: "Why" }), "new disk");
    await user.click(dialog.getByRole("button", { name: "Begin it" }));
    await waitFor(() => expect(asked).toHaveLength(1));
    const [{ of, begins, ends, reason }] = asked as [(typeof asked)[number]];
    expect([of, reason, Date.parse(ends) - Date.parse(begins)]).toEqual(["node:home-1", "new disk", 3_600_000]);
  });

  it("end a maintenance window", async () => {
    at("notifications");
    const { user } = show(<SettingsPage />);
    await screen.findByText(/new disk/);
    await user.click(screen.getByRole("button", { name: "End it" }));
    await screen.findByText("None: whatever breaks is told.");
  });

  it("say how the network is set, and where that is changed", async () => {
    at("network");
    show(<SettingsPage />);
    await screen.findByText("10.85.0.0/16 on gw0");
  });
});

describe("an end", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    ["2025-12-31T00:00:00Z", false, "bad", "expired"],
    ["2026-01-01T05:00:00Z", false, "warning", "ends today"],
    ["2026-01-02T05:00:00Z", false, "warning", "1 day left"],
    ["2026-01-12T05:00:00Z", false, "warning", "11 days left"],
    ["2026-01-12T05:00:00Z", true, "healthy", "11 days left"],
    ["2026-03-01T05:00:00Z", false, "healthy", "59 days left"],
  ])("at %s, renewed by itself %s, is %s: %s", (end, renewed, tone, word) =>
    expect(endingOf(end, now, renewed)).toEqual({ tone, word }),
  );
});

describe("an operator", () => {
  it.each([
    [{ disabled: true, locked_until: "2099-01-01T00:00:00Z" }, "disabled"],
    [{ locked_until: "2099-01-01T00:00:00Z" }, "locked"],
    [{ locked_until: "2001-01-01T00:00:00Z" }, "may change"],
    [{ claimed: false }, "has no password yet"],
    [{ may: "read" as const }, "may look"],
  ])("with %j %s", (given, word) => expect(operatorState(operator("x", given)).word).toBe(word));
});

describe("a destination", () => {
  it("has only what its kind has", () => {
    expect(destinationOf({ ...newDestination, kind: "ntfy", topic: " t ", url: "x" })).toEqual({
      kind: "ntfy",
      url: "https://ntfy.sh",
      topic: "t",
      token: "",
    });
    expect(destinationOf({ ...newDestination, kind: "smtp", to: "a@b.c, d@e.f" })).toMatchObject({
      to: ["a@b.c", "d@e.f"],
      port: 587,
    });
  });
});
