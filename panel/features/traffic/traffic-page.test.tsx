import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import { figures, series } from "@/mock/nouns/traffic";
import { show } from "@/mock/render";
import { server } from "@/mock/setup";
import { blame, drawn, failingSince } from "./figures";
import { TrafficPage } from "./traffic-page";

describe("traffic", () => {
  it("says where errors are and since when, the worst first", async () => {
    show(<TrafficPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("photos");
    expect(rows[0]?.textContent).toContain("the grid");
    await screen.findByText("errors without a pause");
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
    window.history.replaceState(null, "", "?since=30d");
    show(<TrafficPage />);
    await waitFor(() => expect(steps).toEqual(["10800"]));
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

  it("fail since the first of the errors without a pause, and not where the last was well", () => {
    const given = series("route", "", Date.parse("2026-01-01T00:01:00Z"));
    expect(failingSince(given)).toBe("2026-01-01T00:00:40.000Z");
    given.points.push({ at: "2026-01-01T00:01:01Z", figures: figures(1) });
    expect(failingSince(given)).toBeNull();
  });
});
