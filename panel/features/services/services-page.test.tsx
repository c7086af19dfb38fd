import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { describe, expect, it } from "vitest";
import type { Service } from "@/lib/api/types";
import { isPreview, problem } from "@/mock/answers";
import { listing, show } from "@/mock/render";
import { server } from "@/mock/setup";
import { AddServicePage } from "./add-service-page";
import { ServicesPage } from "./services-page";

describe("services", () => {
  it("begin with the one that fails, and say without a click which check failed and with what answer", async () => {
    show(<ServicesPage />);
    const rows = (await screen.findAllByRole("row")).slice(1);
    expect(rows[0]?.textContent).toContain("failing");
    expect(rows[0]?.textContent).toContain("photos");
    expect(rows[1]?.textContent).toContain("2 of 3");
    expect(rows[1]?.textContent?.replaceAll("\u202f", " ")).toMatch(
      /lab-3 down for 4 min \d+ s, HTTP \/healthz: answered 502, not 200/,
    );
  });

  it("never show an endpoint healthy behind a tunnel that is down", async () => {
    window.history.replaceState(null, "", "?name=photos");
    show(<ServicesPage />);
    const drawer = await screen.findByRole("complementary", { name: "photos" });
    const lines = await within(drawer).findAllByRole("listitem");
    expect(lines[0]?.textContent).toContain("unknown");
    expect(lines[0]?.textContent).toContain("its tunnel is down");
  });

  it("send a weight that a slider set, after its preview and with the tag that was read", async () => {
    const sent: { weights: Service["weights"]; tag: string | null }[] = [];
    let previews = 0;
    server.use(
      http.put("*/api/v1/services/wiki", async ({ request }) => {
        if (isPreview(request)) {
          previews += 1;
          return undefined;
        }
        const body = (await request.json()) as Service;
        sent.push({ weights: body.weights, tag: request.headers.get("If-Match") });
        return Response.json(body);
      }),
    );
    window.history.replaceState(null, "", "?name=wiki&show=edit");
    const { user } = show(<ServicesPage />);
    const slider = await screen.findByRole("slider", { name: "Weight of office-1" });
    slider.focus();
    await user.keyboard("{ArrowRight}{ArrowRight}");
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText(/weights: \[\["home-1",3\],\["office-1",3\]\]/);
    expect(sent).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Apply" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toEqual({
      weights: [
        ["home-1", 3],
        ["office-1", 3],
      ],
      tag: '"1"',
    });
    expect(previews).toBe(1);
  });

  it("show both versions where somebody else was faster", async () => {
    server.use(http.put("*/api/v1/services/wiki", () => problem(412, "stale", "service wiki has changed")));
    window.history.replaceState(null, "", "?name=wiki&show=edit");
    const { user } = show(<ServicesPage />);
    await user.click(await screen.findByRole("button", { name: "Preview…" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText(/changed/i);
    expect(within(dialog).getByRole("button", { name: "Apply" })).toHaveProperty("disabled", true);
  });

  it("take a name, typed, before one is removed", async () => {
    window.history.replaceState(null, "", "?name=git");
    const { user } = show(<ServicesPage />);
    await user.click(await screen.findByRole("button", { name: "Remove…" }));
    const dialog = await screen.findByRole("dialog");
    const remove = within(dialog).getByRole("button", { name: "Remove git" });
    expect(remove).toHaveProperty("disabled", true);
    await user.type(within(dialog).getByRole("textbox"), "git");
    await waitFor(() => expect(remove).toHaveProperty("disabled", false));
    await user.click(remove);
    await waitFor(() => expect(window.location.search).toBe("")); // its drawer is gone with it
  });

  it("teach where there is none", async () => {
    server.use(http.get("*/api/v1/outcomes/services", () => listing([])));
    show(<ServicesPage />);
    await screen.findByText("No service is published yet");
  });
});

describe("a new service", () => {
  it("is nothing that who may only look is asked for", async () => {
    server.use(http.get("*/api/v1/session", () => Response.json({ operator: "eve", may: "read" })));
    show(<AddServicePage />);
    await screen.findByText(/You may look, and not change anything/);
    expect(screen.queryByRole("textbox")).toBeNull();
  });

  it("says at its field what is wrong, by itself and by control", async () => {
    server.use(
      http.put("*/api/v1/services/:name", () =>
        problem(422, "invalid", "169.254.169.254 is a metadata service", { field: "target", fix: "give another" }),
      ),
    );
    const { user } = show(<AddServicePage />);
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    await screen.findByText("A service has a name, as app or photos");
    await user.type(screen.getByRole("textbox", { name: /Name/ }), "meta");
    const target = screen.getByRole("textbox", { name: /Listens at/ });
    await user.clear(target);
    await user.type(target, "169.254.169.254:80");
    await user.type(screen.getByRole("combobox", { name: /Runs on/ }), "node:home-1{Enter}");
    await user.click(screen.getByRole("button", { name: "Preview…" }));
    await screen.findByText("169.254.169.254 is a metadata service: give another");
  });
});
