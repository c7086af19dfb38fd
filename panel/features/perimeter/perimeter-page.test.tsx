import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { perimeter, sockets, socketView } from "@/mock/nouns/perimeter";
import { show } from "@/mock/render";
import { PerimeterPage } from "./perimeter-page";
import { rankOf, reachOf, verdictOf } from "./perimeter-state";

describe("the perimeter", () => {
  it("says whether anything is reachable, how and when that was proved, and what mends it", async () => {
    show(<PerimeterPage />);
    await screen.findByText(/1 public socket, 1 finding; nothing is known of home-2/);
    screen.getByText(/read sockets and rules back from the kernel; nobody tried them from outside/);
    screen.getByText(/Sysctl -w net.ipv4.conf.eth0.route_localnet=0/);
  });

  it("shows the guard of a silent node as unknown, and it first", async () => {
    show(<PerimeterPage />);
    const section = (await screen.findByText("The guard of each node")).closest("section") as HTMLElement;
    const lines = within(section).getAllByRole("listitem");
    expect(lines[0]?.textContent).toContain("unknown");
    expect(lines[0]?.textContent).toContain("home-2");
  });

  it("lists what is another's and public before gridwire's own public socket", async () => {
    show(<PerimeterPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("0.0.0.0:22/tcp");
    expect(rows.at(-1)?.textContent).toContain("127.0.0.1:9000");
  });

  it("opens a socket with each way to it and its rule", async () => {
    window.history.replaceState(null, "", `?name=${encodeURIComponent("gw-1 10.85.0.1:80/tcp")}`);
    show(<PerimeterPage />);
    const drawer = await screen.findByRole("complementary");
    within(drawer).getByText(/From mesh, for role:client/);
    within(drawer).getByText("Role_client may reach 80.");
  });
});

describe("a verdict", () => {
  it("is never good where a node is not known", () => expect(verdictOf(perimeter.verdict).tone).toBe("unknown"));
  it("is bad for a public TCP socket of gridwire's, and says so of no other's", () => {
    const ours = socketView("gw-1", { address: "0.0.0.0" }, { reach: "internet" });
    expect(reachOf(ours).tone).toBe("bad");
    expect(reachOf(sockets[2] as (typeof sockets)[0]).tone).toBe("warning");
    expect(rankOf(ours)).toBeGreaterThan(rankOf(sockets[1] as (typeof sockets)[0]));
  });
});
