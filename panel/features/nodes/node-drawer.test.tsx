import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, describe, expect, it } from "vitest";
import { isPreview, problem } from "@/mock/answers";
import { nodes, session } from "@/mock/grid";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { NodesPage } from "./nodes-page";

const before = structuredClone(nodes);
afterEach(() => {
  nodes.splice(0, nodes.length, ...structuredClone(before));
});

async function open(name: string, tab = "") {
  window.history.replaceState(null, "", `?name=${name}${tab && `&show=${tab}`}`);
  const { user } = show(<NodesPage />);
  return { user, drawer: await screen.findByRole("complementary", { name }) };
}

describe("the list", () => {
  it("says of a silent node which part fell silent, and what users lose, without a click", async () => {
    show(<NodesPage />);
    const row = (await screen.findAllByRole("row"))[1] as HTMLElement;
    await waitFor(() => expect(row.textContent).toContain("photos"));
    expect(row.textContent).toContain("host or its way: both silent at once");
  });
});

describe("a node's drawer", () => {
  it("says what users lose by it, and what it runs is unknown and not green", async () => {
    const { drawer } = await open("home-2");
    await within(drawer).findByRole("heading", { name: "What users lose" });
    await within(drawer).findByRole("link", { name: "http://photos.grid/" });
    expect(drawer.textContent).toContain("nobody else serves it");
    const service = (await within(drawer).findByRole("link", { name: "photos" })).closest("li");
    expect(service?.textContent).toContain("unknown");
    expect(drawer.textContent).toContain("Tunnel and agent fell silent together");
  });

  it("shows its sockets, the farthest reached first, under a URL of their own", async () => {
    const { user, drawer } = await open("gw-1");
    await user.click(await within(drawer).findByRole("link", { name: "Sockets" }));
    expect(window.location.search).toBe("?name=gw-1&show=sockets");
    const lines = await within(drawer).findAllByRole("listitem");
    expect(lines[0]?.textContent).toContain("0.0.0.0:22/tcp");
    expect(lines[0]?.textContent).toContain("the internet");
    expect(lines[0]?.textContent).toContain("not gridwire's");
  });

  it("asks for the traffic of the node itself", async () => {
    const asked: string[] = [];
    server.use(
      http.get("*/api/v1/traffic", ({ request }) => {
        const query = new URL(request.url).searchParams;
        asked.push(`${query.get("of")}/${query.get("name")}`);
        return HttpResponse.json({ of: query.get("of"), name: query.get("name"), step: 1, points: [] } as never);
      }),
    );
    const { drawer } = await open("home-1", "traffic");
    await within(drawer).findByText("No requests in this time.");
    expect(asked).toEqual(["node/home-1"]);
  });

  it("sends tags after their preview, with the ETag that was read", async () => {
    const sent: unknown[] = [];
    server.use(
      http.patch("*/api/v1/nodes/home-1", async ({ request }) => {
        if (isPreview(request)) return undefined;
        sent.push([await request.json(), request.headers.get("If-Match")]);
        return HttpResponse.json(before[1] as never);
      }),
    );
    const { user, drawer } = await open("home-1", "tags");
    const field = await within(drawer).findByRole("combobox", { name: "Tags" });
    await user.type(field, "rack{Enter}");
    await within(drawer).findByText("“rack” is no tag: write key=value, as site=home");
    await user.type(field, "{Backspace}rack=b{Enter}");
    await user.click(within(drawer).getByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("tags: site=home, rack=b");
    expect(sent).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Apply" }));
    const tags = [
      ["site", "home"],
      ["rack", "b"],
    ];
    await waitFor(() => expect(sent).toEqual([[{ tags }, '"home-1-active-false-site,home"']]));
  });

  it("takes a typed name before it revokes, after saying what is cut, and closes when every gateway cut it", async () => {
    const { user, drawer } = await open("home-2");
    await user.click(await within(drawer).findByRole("button", { name: "Revoke…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("Served by nobody from then on");
    const revoke = within(dialog).getByRole("button", { name: "Revoke home-2" });
    expect(revoke).toHaveProperty("disabled", true);
    await user.type(within(dialog).getByRole("textbox"), "home-2");
    await user.click(revoke);
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
    expect(nodes.some(({ node }) => node.name === "home-2")).toBe(false);
  });

  it("names the gateways that have not cut it yet, and what to do, and lets it be asked again", async () => {
    server.use(
      http.post("*/api/v1/nodes/home-2/revoke", ({ request }) =>
        isPreview(request)
          ? undefined
          : problem(504, "not-finished", "home-2 is marked revoked, but gw-1 has not said that it is cut off there", {
              fix: "see that the agent runs on gw-1; then ask again, which is safe",
            }),
      ),
    );
    const { user, drawer } = await open("home-2");
    await user.click(await within(drawer).findByRole("button", { name: "Revoke…" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(await within(dialog).findByRole("textbox"), "home-2");
    await user.click(within(dialog).getByRole("button", { name: "Revoke home-2" }));
    const alert = await within(dialog).findByRole("alert");
    expect(alert.textContent).toContain("gw-1 has not said");
    expect(alert.textContent).toContain("ask again");
    expect(within(dialog).getByRole("button", { name: "Revoke home-2" })).toHaveProperty("disabled", false);
  });

  it("approves one that waits, and takes back an invitation", async () => {
    const { user, drawer } = await open("office-2");
    expect(await within(drawer).findAllByRole("button", { name: "Approve…" })).toHaveLength(1);
    await user.click(within(drawer).getByRole("button", { name: "Approve…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText(/office-2 begins/);
    await user.click(within(dialog).getByRole("button", { name: "Approve" }));
    await within(drawer).findByRole("button", { name: "Drain…" });
  });

  it("offers nothing to who may only read", async () => {
    server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, may: "read" } as never)));
    const { drawer } = await open("home-1");
    await within(drawer).findByText("10.85.1.7");
    await waitFor(() => expect(within(drawer).queryByRole("button", { name: "Revoke…" })).toBeNull());
    expect(within(drawer).queryByRole("button", { name: "Drain…" })).toBeNull();
    expect(screen.queryByRole("link", { name: "Add a node" })).toBeNull();
  });
});
