import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import { nodeView, session } from "@/mock/grid";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { StartPage } from "./start-page";

const gateway = nodeView("gw-1", { node: { role: "gateway" } });
const phone = nodeView("phone", { node: { role: "client" } });

function grid(nodes: ReturnType<typeof nodeView>[]) {
  server.use(
    http.get("*/api/v1/nodes", () => listing(nodes)),
    http.get("*/api/v1/outcomes/services", () => listing([])),
    http.get("*/api/v1/outcomes/routes", () => listing([])),
  );
}

describe("the first run", () => {
  it("leads from what is done to what is next, with its command and its page", async () => {
    grid([gateway, phone]);
    show(<StartPage />);
    await screen.findByText(/2 of 5 steps done/);
    const steps = screen.getAllByRole("listitem");
    expect(steps.map((step) => step.textContent)).toEqual([
      expect.stringContaining("done"),
      expect.stringContaining("done"),
      expect.stringContaining("waits for you"),
      expect.stringContaining("later"),
      expect.stringContaining("later"),
    ]);
    expect(screen.getByRole("link", { name: "Add an edge" }).getAttribute("href")).toBe("/nodes/add?kind=host");
    await screen.findByText("gridwire invite home-1 --role edge");
  });

  it("follows a node that is on its way, live", async () => {
    grid([gateway, phone, nodeView("nas", { node: { state: "invited" } })]);
    show(<StartPage />);
    await screen.findByText(/No packet has arrived at the gateway's UDP port/);
  });

  it("says that all is done, and where to go", async () => {
    show(<StartPage />);
    await screen.findByText("all done");
    screen.getByRole("link", { name: "Overview" });
  });

  it("offers nothing to who may only read, but says what is missing", async () => {
    grid([gateway, phone]);
    server.use(http.get("*/api/v1/session", () => HttpResponse.json({ ...session, may: "read" } as never)));
    show(<StartPage />);
    await screen.findByText(/2 of 5 steps done/);
    expect(screen.queryByRole("link", { name: "Add an edge" })).toBeNull();
    await screen.findByText("gridwire invite home-1 --role edge");
  });
});
