import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { PoliciesPage } from "@/features/policies/policies-page";
import type { Route } from "@/lib/api/types";
import { isPreview, problem, withTag } from "@/mock/answers";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { AddRoutePage } from "./add-route-page";
import { draftOf, nameOf, routeOf } from "./route-draft";
import { RoutesPage } from "./routes-page";
import { TryPage } from "./try-page";

describe("routes", () => {
  it("begin with the one that fails, say why, and call one that allows nobody closed", async () => {
    show(<RoutesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("photos.grid");
    expect(rows[0]?.textContent).toContain("failing");
    expect(rows.at(-1)?.textContent).toContain("closed");
  });

  it("say whether each works for the device that reads this, and why not, without a click", async () => {
    show(<RoutesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1).map((row) => row.textContent?.replaceAll("\u202f", " "));
    expect(rows[0]).toContain("refused");
    expect(rows[0]).toContain("Refused: it is open to policy:family alone");
    expect(rows[1]).toContain("works");
    expect(rows[1]).toMatch(/lab-3 down for 4 min( \d+ s)?: answered 502, not 200/);
    expect(rows[2]).toContain("refused");
  });

  it("say whether each works for the device that reads this, and at which hop it ends", async () => {
    window.history.replaceState(null, "", "?name=photos");
    show(<RoutesPage />);
    const drawer = await screen.findByRole("complementary", { name: "photos" });
    await within(drawer).findByText("For this device, ada-laptop");
    await within(drawer).findByText("refused by its policy");
    within(drawer).getByText("ada-laptop is none of policy:family");
  });

  it("are removed by their typed name, with the tag that was read", async () => {
    const gone: unknown[] = [];
    server.use(
      http.delete("*/api/v1/routes/:name", ({ request, params }) => {
        if (!isPreview(request)) gone.push([params.name, request.headers.get("If-Match")]);
      }),
    );
    window.history.replaceState(null, "", "?name=photos");
    const { user } = show(<RoutesPage />);
    await user.click(await screen.findByRole("button", { name: "Remove…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await user.type(dialog.getByRole("textbox"), "photos");
    await user.click(dialog.getByRole("button", { name: "Remove photos" }));
    await waitFor(() => expect(gone).toEqual([["photos", '"1"']]));
  });

  it("teach where there is none", async () => {
    server.use(http.get("*/api/v1/outcomes/routes", () => listing([])));
    show(<RoutesPage />);
    await screen.findByText("No route is open yet");
  });
});

describe("an edit", () => {
  const overtaken = async () => {
    const one = (value: string, etag: string) =>
      http.get("*/api/v1/routes/wiki", () =>
        withTag({ name: "wiki", host: "wiki", path: "/", to: "wiki", allow: [{ kind: "node", value }] }, etag),
      );
    const tags: (string | null)[] = [];
    server.use(
      one("phone", '"1"'),
      http.put("*/api/v1/routes/wiki", ({ request }) => {
        const tag = request.headers.get("If-Match");
        tags.push(tag);
        return tag === '"1"' ? problem(412, "stale", "route wiki has changed") : undefined;
      }),
    );
    window.history.replaceState(null, "", "?name=wiki&show=edit");
    const { user, client } = show(<RoutesPage />);
    await user.type(await screen.findByRole("combobox", { name: /Who may open it/ }), "node:tablet{Enter}");
    server.use(one("nas", '"2"'));
    await client.invalidateQueries();
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("allow: node:nas");
    within(dialog).getByText("allow: node:phone, node:tablet");
    return { user, dialog, tags };
  };

  it("keeps what was typed when somebody else was faster, and is previewed over theirs when it is told so", async () => {
    const { user, dialog, tags } = await overtaken();
    await user.click(within(dialog).getByRole("button", { name: "Preview mine over it" }));
    await waitFor(() =>
      expect(within(dialog).getByRole("button", { name: "Apply" })).toHaveProperty("disabled", false),
    );
    expect(tags.at(-1)).toBe('"2"');
  });

  it("is over where theirs is kept", async () => {
    const { user, dialog } = await overtaken();
    await user.click(within(dialog).getByRole("button", { name: "Keep theirs" }));
    await screen.findByRole("button", { name: "Edit…" });
    await screen.findByText("node:nas");
  });
});

describe("a new route", () => {
  it("is sent with If-None-Match, so that it takes no other's place, under a name made of its host", async () => {
    const sent: { route: Route; unless: string | null }[] = [];
    server.use(
      http.put("*/api/v1/routes/:name", async ({ request }) => {
        if (isPreview(request)) return undefined;
        const route = (await request.json()) as Route;
        sent.push({ route, unless: request.headers.get("If-None-Match") });
        return Response.json(route);
      }),
    );
    window.history.replaceState(null, "", "?to=wiki");
    const { user } = show(<AddRoutePage />);
    await user.type(screen.getByRole("textbox", { name: /Host/ }), "docs");
    await user.type(screen.getByRole("combobox", { name: /Who may open it/ }), "role:client{Enter}");
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(await within(dialog).findByRole("button", { name: "Add" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toEqual({
      route: { name: "docs", host: "docs", path: "/", to: "wiki", allow: [{ kind: "role", value: "client" }] },
      unless: "*",
    });
  });

  it.each([
    ["wiki", "/", "wiki"],
    ["wiki", "/api/v1", "wiki-api-v1"],
    ["*", "/", "any"],
    ["*.apps.example.com", "/", "apps-example-com"],
  ])("at %s%s is called %s unless told", (host, path, name) => expect(nameOf(host, path)).toBe(name));

  it("says after an edit of nothing what it said before", () => {
    const route: Route = { name: "a", host: "a", path: "/x", to: "b", allow: [{ kind: "tag", value: "k=v" }] };
    expect(routeOf(draftOf(route))).toEqual(route);
  });
});

describe("a request that is tried", () => {
  it("is explained: which route, whose policy, and what would let it in", async () => {
    window.history.replaceState(null, "", "?node=ada-laptop&url=http%3A%2F%2Fphotos.grid%2F");
    show(<TryPage />);
    await screen.findByText("refused: it allows policy:family");
    screen.getByText(/To let it in: gridwire route add/);
  });

  it("is not asked before it is said who asks what", async () => {
    const { user } = show(<TryPage />);
    await user.click(await screen.findByRole("button", { name: "Try" }));
    await screen.findByText("Say what is opened, as http://wiki.grid/");
  });
});

describe("policies", () => {
  it("say whom each lets in now and what it opens; an empty one lets in nobody", async () => {
    show(<PoliciesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    await waitFor(() => expect(rows[0]?.textContent).toBe("familynode:phone1photos"));
    expect(rows[1]?.textContent).toContain("nobody");
    expect(rows[1]?.textContent).toContain("no route uses it");
  });

  it("say of each route who can open it, who is refused, and by what", async () => {
    show(<PoliciesPage />);
    const section = (await screen.findByText("Who can open what, and who is refused")).closest(
      "section",
    ) as HTMLElement;
    const lines = within(section).getAllByRole("listitem");
    expect(lines.map((line) => line.textContent)).toEqual([
      "git.grid/opened by nobodyada-laptop and phone are refused: it allows nobody",
      "photos.grid/opened by phoneada-laptop is refused: it allows node:phone (by policy family)",
      "wiki.grid/opened by ada-laptop and phoneit allows role:client",
    ]);
  });
});
