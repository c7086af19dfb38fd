import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { figures, series } from "@/mock/nouns/traffic";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { blameText } from "./errors-where";
import { blame, blamed, drawn, errorSpell } from "./figures";
import { TrafficPage } from "./traffic-page";

describe("traffic", () => {
  it("says where errors are and since when, the worst first", async () => {
    show(<TrafficPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("photos");
    expect(rows[0]?.textContent).toContain("the grid");
    await screen.findByText("errors go on");
    screen.getByText(/, the last/);
  });

  it("says of one endpoint or of all, before anything is clicked", async () => {
    server.use(
      http.get("*/api/v1/traffic/top", ({ request }) => {
        if (new URL(request.url).searchParams.get("of") !== "endpoint") return undefined;
        const items = [
          { name: "wiki/nas", figures: figures(90, { errors: 30 }) },
          { name: "wiki/home-1", figures: figures(90) },
          { name: "wiki/office", figures: figures(90) },
        ];
        return Response.json({ of: "endpoint", by: "errors", seconds: 300, items });
      }),
    );
    show(<TrafficPage />);
    await screen.findByText(/at 1 of 3 endpoints: nas 33.3 %, by the application/u, {
      normalizer: (text) => text.replace(/\u202f/g, " "),
    });
  });

  it("asks for all traffic as that of the gateways: a route without a name is none", async () => {
    const asked: string[] = [];
    server.use(
      http.get("*/api/v1/traffic", ({ request }) => {
        const query = new URL(request.url).searchParams;
        asked.push(`${query.get("of")} ${query.get("name")}`);
        return undefined;
      }),
    );
    show(<TrafficPage />);
    await waitFor(() => expect(asked).toEqual(["gateway null"]));
  });

  it("shows the series of what is chosen, and again all of it", async () => {
    const asked: (string | null)[] = [];
    server.use(
      http.get("*/api/v1/traffic", ({ request }) => {
        asked.push(new URL(request.url).searchParams.get("name"));
        return undefined;
      }),
    );
    const { user } = show(<TrafficPage />);
    await user.click(await screen.findByText("wiki"));
    await screen.findByRole("heading", { name: "route wiki" });
    await waitFor(() => expect(asked).toEqual([null, "wiki"]));
    await user.click(screen.getByRole("button", { name: "all traffic" }));
    await screen.findByRole("heading", { name: "All traffic" });
  });

  it("asks for longer times in coarser steps", async () => {
    const steps: string[] = [];
    server.use(
      http.get("*/api/v1/traffic", ({ request }) => {
        steps.push(new URL(request.url).searchParams.get("step") ?? "");
        return undefined;
      }),
    );
    const lists: string[] = [];
    server.use(
      http.get("*/api/v1/traffic/top", ({ request }) => {
        lists.push(new URL(request.url).searchParams.get("seconds") ?? "");
        return undefined;
      }),
    );
    window.history.replaceState(null, "", "?since=30d");
    show(<TrafficPage />);
    await waitFor(() => expect(steps).toEqual(["10800"]));
    await screen.findByText("of the last day");
    expect(new Set(lists)).toEqual(new Set(["86400"])); // more is refused
  });

  it("teaches where there was none", async () => {
    server.use(
      http.get("*/api/v1/traffic/top", () => Response.json({ of: "route", by: "errors", seconds: 300, items: [] })),
    );
    show(<TrafficPage />);
    await screen.findByText("Nothing was asked of a route in this time");
  });
});

describe("figures", () => {
  it("say whose errors they are", () => {
    expect(blame(figures(10))).toBe("");
    expect(blame(figures(10, { errors: 2, own: 2 }))).toBe("the grid");
    expect(blame(figures(10, { errors: 2 }))).toBe("the application");
    expect(blame(figures(10, { errors: 2, own: 1 }))).toBe("both");
  });

  it("are rates a second whatever the step, and no share where nothing was asked", () => {
    const given = { ...series("route", ""), step: 10, points: [{ at: "2026-01-01T00:00:00Z", figures: figures(0) }] };
    expect(drawn(given).errors[0]?.values).toEqual([null]);
    given.points[0] = { at: "2026-01-01T00:00:00Z", figures: figures(50) };
    expect(drawn(given).requests[0]?.values).toEqual([5]);
  });

  it("are errors since the first of a spell, which a point without one does not end", () => {
    const given = series("route", "", Date.parse("2026-01-01T00:01:00Z"));
    const clean = (second: number) => ({ at: new Date(Date.UTC(2026, 0, 1, 0, 1, second)).toISOString() });
    const spell = { from: "2026-01-01T00:00:40.000Z", to: "2026-01-01T00:00:59.000Z" };
    expect(errorSpell(given)).toEqual({ ...spell, now: true });
    given.points.push({ ...clean(5), figures: figures(1) });
    expect(errorSpell(given)).toEqual({ ...spell, now: true });
    given.points.push({ ...clean(50), figures: figures(1) });
    expect(errorSpell(given)).toEqual({ ...spell, now: false });
    expect(errorSpell({ ...given, points: given.points.slice(0, 40) })).toBeNull();
  });

  it("are blamed on one endpoint, on all, or on nobody", () => {
    const text = (...items: Parameters<typeof blamed>[0]) =>
      blamed(items).map((one) => `${one.service} ${blameText(one)}`.replaceAll("\u202f", " "));
    const bad = figures(10, { errors: 5 });
    expect(text({ name: "wiki/a", figures: bad }, { name: "wiki/b", figures: bad })).toEqual([
      "wiki at all 2 endpoints: a 50 %, by the application; b 50 %, by the application",
    ]);
    expect(text({ name: "wiki/a", figures: bad })).toEqual(["wiki at its only endpoint: a 50 %, by the application"]);
    expect(
      text({ name: "wiki/-", figures: figures(3, { errors: 3, own: 3 }) }, { name: "git/b", figures: figures(2) }),
    ).toEqual(["wiki 3 requests found no endpoint to ask"]);
  });
});
