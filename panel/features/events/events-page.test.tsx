import { screen, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { events } from "@/mock/nouns/revisions";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { actorOf, toneOf } from "./event-state";
import { EventsPage } from "./events-page";

describe("the audit log", () => {
  it("says that the chain is whole, and shows what led to the first trouble", async () => {
    server.use(
      http.get("*/api/v1/events", () => listing(events.map((event) => ({ ...event, at: new Date().toISOString() })))),
    );
    show(<EventsPage />);
    const trouble = await screen.findByText("First trouble of the last day, and what preceded it");
    const lines = within(trouble.closest("section") as HTMLElement).getAllByRole("listitem");
    expect(lines[0]?.textContent).toContain("node quarantined");
    expect(lines[1]?.textContent).toContain("ada");
    expect(lines[1]?.textContent).not.toContain("operator:"); // written as on the revisions' page
  });

  it("begins with the newest, and says of each whether a person or a machine did it", async () => {
    show(<EventsPage />);
    await screen.findByText(/chain whole, lines 1 to 7/);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("node approved");
    expect(rows.at(-1)?.textContent).toContain("grid made");
    for (const row of rows) expect(row.textContent).not.toContain("operator:");
  });

  it("says at which line a chain is broken", async () => {
    const forged = events.map((event) => (event.number === 5 ? { ...event, actor: "operator:eve" } : event));
    server.use(http.get("*/api/v1/events", () => listing(forged)));
    show(<EventsPage />);
    await screen.findByText(/chain broken at line 5/);
  });

  it("opens a line with what stood around it", async () => {
    window.history.replaceState(null, "", "?name=6");
    show(<EventsPage />);
    const drawer = await screen.findByRole("complementary");
    expect(within(drawer).getAllByRole("listitem")).toHaveLength(7);
    await within(drawer).findByText(/from line 5, checked in this browser/);
  });
});

describe("who did it", () => {
  const by = (actor: string) => actorOf({ ...(events[0] as (typeof events)[0]), actor });
  it.each([
    ["root", "person"],
    ["operator:ada", "person"],
    ["token:ada/ci", "machine"],
    ["node:home-1", "machine"],
    ["address:10.85.1.7", "machine"],
    ["gridwire", "machine"],
  ])("%s is a %s", (actor, kind) => expect(by(actor)).toBe(kind));

  it("is graver for a leak than for a refusal", () => {
    const of = (kind: string) => toneOf({ ...(events[0] as (typeof events)[0]), kind });
    expect([of("node.quarantined"), of("login.failed"), of("node.joined")]).toEqual(["bad", "warning", "healthy"]);
  });
});
