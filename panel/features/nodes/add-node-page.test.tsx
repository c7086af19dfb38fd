import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Invite } from "@/lib/api/types";
import { isPreview, preview } from "@/mock/answers";
import { ago, nodes } from "@/mock/grid";
import { invitations, network, progress } from "@/mock/nouns/invitations";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { AddNodePage } from "./add-node-page";

const before = structuredClone(nodes);
const invited = new Map([...invitations].map(([name, one]) => [name, structuredClone(one)]));
afterEach(() => {
  nodes.splice(0, nodes.length, ...structuredClone(before));
  invitations.clear();
  for (const [name, one] of invited) invitations.set(name, structuredClone(one));
});

/** What went over the wire, whole. */
function listen(): string[] {
  const sent: string[] = [];
  server.events.on("request:start", async ({ request }) => {
    sent.push(`${request.method} ${request.url} ${await request.clone().text()}`);
  });
  return sent;
}

/** The JSON in a token, less its checksum. */
function inside(token: string): { k: string; n: string } {
  const base64 = token.slice(4).replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(base64).slice(0, -6));
}

async function inviteHost(name = "barn-1") {
  window.history.replaceState(null, "", "?kind=host");
  const shown = show(<AddNodePage />);
  await shown.user.type(await screen.findByRole("textbox", { name: /Name/ }), name);
  return shown;
}

describe("adding a node", () => {
  it("begins with what is added, each under its own URL", async () => {
    const { user } = show(<AddNodePage />);
    await user.click(await screen.findByRole("button", { name: /A phone/ }));
    expect(window.location.search).toBe("?kind=device");
    await screen.findByRole("textbox", { name: /Name/ });
  });

  it("says at its field what is wrong, by itself and by control", async () => {
    const { user } = await inviteHost("Barn");
    await user.click(screen.getByRole("button", { name: "Invite" }));
    await screen.findByText(/Use 1 to 63/);
    const name = screen.getByRole("textbox", { name: /Name/ });
    await user.clear(name);
    await user.type(name, "home-1");
    await user.click(screen.getByRole("button", { name: "Invite" }));
    await screen.findByText(/the name home-1 is taken/);
  });

  it("shows a token once, with a command without it, and its secret is sent nowhere", async () => {
    const sent = listen();
    const { user, unmount } = await inviteHost();
    await user.type(screen.getByRole("combobox", { name: "Lets be published" }), "127.0.0.1:9000{Enter}");
    await user.click(screen.getByRole("button", { name: "Invite" }));
    const token = (await screen.findByLabelText("the token")).textContent ?? "";
    expect(inside(token).n).toBe("barn-1");
    await screen.findByText("gridwire join --reach 127.0.0.1:9000");
    expect(window.location.search).toBe("?kind=host&name=barn-1&step=wait");

    const secret = inside(token).k;
    expect(secret).toHaveLength(44);
    const posted = sent.find((line) => line.startsWith("POST")) ?? "";
    expect((JSON.parse(posted.slice(posted.indexOf("{"))) as Invite).ephemeral_key).toHaveLength(44);
    for (const line of sent) {
      expect(line).not.toContain(secret);
      expect(line).not.toContain(token);
    }
    expect(JSON.stringify({ ...window.localStorage, ...window.sessionStorage })).not.toContain(secret);

    unmount();
    show(<AddNodePage />);
    await screen.findByText(/kept nowhere/);
    expect(screen.queryByLabelText("the token")).toBeNull();
  });

  it("sends how long it is good and whether it waits for a yes, as they were chosen", async () => {
    const asked: Invite[] = [];
    server.use(
      http.post("*/api/v1/invitations", async ({ request }) => {
        asked.push((await request.clone().json()) as Invite);
      }),
    );
    const { user } = await inviteHost();
    await user.click(screen.getByText(/How long the token is good/));
    await user.click(screen.getByRole("radio", { name: "Always" }));
    await user.click(screen.getByRole("button", { name: "Invite" }));
    await screen.findByLabelText("the token");
    expect(asked[0]).toMatchObject({ role: "edge", ttl_seconds: 3600, needs_approval: true, replace: false });
  });

  it("replaces a node under its name", async () => {
    window.history.replaceState(null, "", "?replace=home-1");
    const { user } = show(<AddNodePage />);
    expect(await screen.findByRole("textbox", { name: /Name/ })).toHaveProperty("disabled", true);
    await user.click(screen.getByRole("button", { name: "Invite" }));
    await screen.findByText(/the old home-1 is revoked at that/);
  });

  it("follows it from both ends until it is in, with the likely cause while it is stuck", async () => {
    const ends = { invited: progress("nas"), pending: progress("nas", { state: "pending", waits_for: "operator" }) };
    let now = ends.invited;
    server.use(http.get("*/api/v1/invitations/nas", () => HttpResponse.json(now as never)));
    window.history.replaceState(null, "", "?name=nas&step=wait");
    const { client } = show(<AddNodePage />);
    await screen.findByText("waits for you, at nas");
    await screen.findByText(/No packet has arrived at the gateway's UDP port/);
    now = ends.pending;
    await client.invalidateQueries();
    await screen.findByText("waits for your yes");
    await screen.findByRole("button", { name: "Approve…" });
    now = progress("nas", { state: "active", waits_for: "nobody", likely_cause: "" });
    await client.invalidateQueries();
    await screen.findByText("joined");
    expect(screen.queryByText(/waits for/)).toBeNull();
  });

  it("says that an invitation has expired, whatever control has made of it yet", async () => {
    invitations.set("nas", progress("nas", { expires: ago(10) }));
    window.history.replaceState(null, "", "?name=nas&step=wait");
    show(<AddNodePage />);
    await screen.findByText("expired");
  });

  it("takes an invitation back, and says what is left of its token", async () => {
    window.history.replaceState(null, "", "?name=nas&step=wait");
    const { user } = show(<AddNodePage />);
    await user.click(await screen.findByRole("button", { name: "Take the invitation back…" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(await within(dialog).findByRole("button", { name: "Take it back" }));
    await waitFor(() => expect(window.location.search).toBe(""));
    expect(invitations.get("nas")?.state).toBe("revoked");
  });

  it("says what is run instead where the grid is on a tailnet", async () => {
    server.use(http.get("*/api/v1/network", () => HttpResponse.json({ ...network, provider: "tailscale" } as never)));
    show(<AddNodePage />);
    await screen.findByText(/gridwire join gw-1 --reach/);
    await screen.findByText("gridwire node admit phone");
    expect(screen.queryByRole("list", { name: "What is added" })).toBeNull();
  });
});

describe("a device of the tailnet", () => {
  it("is let in by its name there, after the preview", async () => {
    const sent: unknown[] = [];
    server.use(
      http.get("*/api/v1/network", () => HttpResponse.json({ ...network, provider: "tailscale" } as never)),
      http.post("*/api/v1/members", async ({ request }) => {
        if (isPreview(request)) return preview("tablet is in", {});
        sent.push(await request.json());
        return HttpResponse.json({ node: { name: "tablet" } }, { status: 201 });
      }),
    );
    const { user } = show(<AddNodePage />);
    await user.click(await screen.findByRole("button", { name: "Preview…" }));
    await screen.findByText(/^Its name or address on the tailnet/);
    await user.type(screen.getByRole("textbox", { name: /On the tailnet/ }), "ada-ipad");
    await user.type(screen.getByRole("textbox", { name: /Name/ }), "tablet");
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    expect(sent).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Let it in" }));
    await waitFor(() => expect(sent).toEqual([{ member: "ada-ipad", name: "tablet", role: "client", tags: [] }]));
  });
});

describe("a device with the WireGuard app", () => {
  async function addPhone() {
    window.history.replaceState(null, "", "?kind=device");
    const shown = show(<AddNodePage />);
    await shown.user.type(await screen.findByRole("textbox", { name: /Name/ }), "tablet");
    await shown.user.click(screen.getByRole("button", { name: "Preview…" }));
    return { ...shown, dialog: await screen.findByRole("dialog") };
  }

  it("says first what it will open, then shows its configuration once; its key is sent nowhere", async () => {
    const sent = listen();
    const { user, dialog } = await addPhone();
    await within(dialog).findByText("Can open from then on");
    await user.click(within(dialog).getByRole("button", { name: "Add it" }));
    await screen.findByRole("img", { name: "A QR code of the configuration" });
    await user.click(screen.getByRole("button", { name: "As text" }));
    const text = screen.getByLabelText("the configuration").textContent ?? "";
    expect(text).toContain("Address = 10.85.2.9/32");
    expect(text).toContain("Endpoint = 203.0.113.7:51820");
    const key = /PrivateKey = (\S+)/.exec(text)?.[1] ?? "";
    expect(key).toHaveLength(44);
    for (const line of sent) expect(line).not.toContain(key);
    await screen.findByText("waits for you, at tablet");
  });

  it("sends the key that was previewed, and no other", async () => {
    const keys: string[] = [];
    server.use(
      http.post("*/api/v1/devices", async ({ request }) => {
        const { public_key } = (await request.clone().json()) as { public_key: string };
        keys.push(`${isPreview(request)} ${public_key}`);
      }),
    );
    const { user, dialog } = await addPhone();
    await user.click(await within(dialog).findByRole("button", { name: "Add it" }));
    await screen.findByText("waits for you, at tablet");
    expect(keys).toHaveLength(2); // previewed once, then sent
    expect(new Set(keys.map((line) => line.split(" ")[1])).size).toBe(1);
    expect(keys.at(-1)).toMatch(/^false/);
  });

  it("ends by itself with its first handshake", async () => {
    const { user, dialog, client } = await addPhone();
    await user.click(await within(dialog).findByRole("button", { name: "Add it" }));
    await screen.findByText("waits for you, at tablet");
    const view = nodes.find(({ node }) => node.name === "tablet");
    if (view) view.latest_handshake = ago(1);
    await client.invalidateQueries();
    await screen.findByText("joined");
  });

  it("is saved as a file that is made here", async () => {
    const made: Blob[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${made.push(blob as Blob)}`);
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
    const { user, dialog } = await addPhone();
    await user.click(await within(dialog).findByRole("button", { name: "Add it" }));
    await user.click(await screen.findByRole("button", { name: "Download .conf" }));
    expect(await made[0]?.text()).toContain("[Interface]");
    expect(clicked).toHaveBeenCalledOnce();
  });

  it("is not made where no gateway could be called", async () => {
    for (const { node } of nodes) node.endpoint = null;
    window.history.replaceState(null, "", "?kind=device");
    show(<AddNodePage />);
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("No gateway has an endpoint");
  });
});
