import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { problem } from "@/mock/answers";
import { nodeView } from "@/mock/grid";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { stateOf } from "./node-state";
import { NodesPage } from "./nodes-page";

describe("the list of nodes", () => {
  it("begins with the worst, and says of each what it is", async () => {
    show(<NodesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("tunnel down");
    expect(rows[0]?.textContent).toContain("home-2");
    expect(rows.at(-1)?.textContent).toContain("connected");
  });

  it("opens a drawer with its own URL by Enter, walks by j, and closes by Escape", async () => {
    const { user } = show(<NodesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    rows[0]?.focus();
    await user.keyboard("{Enter}");
    const drawer = await screen.findByRole("complementary", { name: "home-2" });
    expect(window.location.search).toBe("?name=home-2");
    await within(drawer).findByText("10.85.1.8");
    await user.keyboard("j");
    await waitFor(() => expect(window.location.search).toBe("?name=office-1"));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
  });

  it("filters by what stands in the row, and says how many are left", async () => {
    const { user } = show(<NodesPage />);
    await user.type(await screen.findByRole("searchbox"), "office-1");
    await screen.findByText("1 of 9 nodes");
    expect(window.location.search).toBe("?filter=office-1");
    await user.type(screen.getByRole("searchbox"), "xyz");
    await screen.findByText(/No node has/);
  });

  it("shows the worst of a long list while the rest is coming, and says so", async () => {
    const all = Array.from({ length: 250 }, (_, number) => nodeView(`edge-${number}`, { connected: number < 200 }));
    let rest: (() => void) | undefined;
    server.use(
      http.get("*/api/v1/nodes", async ({ request }) => {
        const asked = new URL(request.url).searchParams;
        if (asked.get("sort") === "standing") {
          return Response.json({ items: all.slice(150), next: "more", total: all.length });
        }
        await new Promise<void>((done) => {
          rest = done;
        });
        return listing(all);
      }),
    );
    show(<NodesPage />);
    await screen.findByText("100 nodes, 150 more are coming");
    expect((await screen.findAllByRole("row"))[1]?.textContent).toContain("tunnel down");
    await waitFor(() => expect(rest).toBeDefined());
    rest?.();
    await screen.findByText("250 nodes");
  });

  it("teaches where there is nothing yet", async () => {
    server.use(http.get("*/api/v1/nodes", () => listing([])));
    show(<NodesPage />);
    await screen.findByText("No node has joined yet");
  });

  it("shows what failed, and what to do about it", async () => {
    server.use(
      http.get("*/api/v1/nodes", () =>
        problem(500, "internal", "control failed at this", { fix: "see control's log" }),
      ),
    );
    show(<NodesPage />);
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("Control failed at this. See control's log.".replace(". See", ".See"));
  });

  it("previews a drain before anything is sent for good", async () => {
    window.history.replaceState(null, "", "?name=home-1");
    const { user } = show(<NodesPage />);
    await user.click(await screen.findByRole("button", { name: "Drain…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("drained: yes");
    await user.click(within(dialog).getByRole("button", { name: "Drain" }));
    await screen.findByRole("button", { name: "Take back into use…" });
  });
});

describe("what a node is", () => {
  it.each([
    ["unknown", { connected: null }],
    ["tunnel down", { connected: false }],
    ["no answer", { unreached: "no connection within 1000 ms" }],
    ["away", { connected: false, node: { role: "client" as const } }],
    ["apply failed", { state: "failed" as const }],
    ["agent silent", { reported_at: null }],
    ["behind", { behind: true }],
    ["drained", { node: { drained: true } }],
    ["connected", {}],
  ])("is %s", (word, given) => expect(stateOf(nodeView("x", given)).word).toBe(word));

  it("is never shown healthy while its tunnel is not known to be up", () => {
    for (const connected of [null, false]) expect(stateOf(nodeView("x", { connected })).tone).not.toBe("healthy");
  });
});
