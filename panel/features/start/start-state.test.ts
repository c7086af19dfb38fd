import { describe, expect, it } from "vitest";
import type { RouteOutcome, ServiceOutcome } from "@/lib/api/types";
import { ago, nodeView, session } from "@/mock/grid";
import { routeOutcomes, serviceOutcomes } from "@/mock/nouns/services";
import { type Grid, isStarted, startSteps } from "./start-state";

const gateway = nodeView("gw-1", { node: { role: "gateway" } });
const phone = nodeView("phone", { node: { role: "client" }, connected: false, latest_handshake: ago(9_000) });
const edge = nodeView("home-1");
const [, wiki] = serviceOutcomes as [ServiceOutcome, ServiceOutcome];
const [, toWiki] = routeOutcomes as [RouteOutcome, RouteOutcome];

const bare: Grid = { session: null, nodes: [gateway], services: [], routes: [] };
const grids: Grid[] = [
  bare,
  { ...bare, session },
  { ...bare, session, nodes: [gateway, phone] },
  { ...bare, session, nodes: [gateway, phone, edge] },
  { ...bare, session, nodes: [gateway, phone, edge], services: [wiki] },
  { session, nodes: [gateway, phone, edge], services: [wiki], routes: [toWiki] },
];
const current = (grid: Grid) => startSteps(grid).find(({ state }) => state === "now" || state === "wrong");

describe("the first run", () => {
  it("is resumed where the grid is, whoever brought it there", () => {
    expect(grids.map((grid) => current(grid)?.id)).toEqual([
      "operator",
      "device",
      "edge",
      "service",
      "route",
      undefined,
    ]);
    expect(grids.map((grid) => isStarted(startSteps(grid)))).toEqual([false, false, false, false, false, true]);
  });

  it("says whom a node that is on its way waits for", () => {
    const at = (state: "invited" | "redeemed" | "pending" | "quarantined") =>
      current({ ...bare, session, nodes: [gateway, phone, nodeView("home-1", { node: { state } })] });
    expect(at("invited")).toMatchObject({ waits: "waits for you, at home-1", state: "now", joining: true });
    expect(at("redeemed")?.waits).toBe("waits for the grid");
    expect(at("pending")?.waits).toBe("waits for your yes");
    expect(at("quarantined")?.state).toBe("wrong");
  });

  it("does not call a device done that is known and has never called", () => {
    const silent = nodeView("phone", { node: { role: "client" }, connected: false, latest_handshake: null });
    expect(current({ ...bare, session, nodes: [gateway, silent] })).toMatchObject({ id: "device", joining: false });
  });

  it("does not call an edge done before its agent reported", () => {
    const mute = nodeView("home-1", { reported_at: null });
    expect(current({ ...bare, session, nodes: [gateway, phone, mute] })).toMatchObject({
      id: "edge",
      waits: "waits for the grid",
    });
  });

  it("says what a service lacks, and whether the grid is still at it", () => {
    const [photos] = serviceOutcomes as [ServiceOutcome];
    const grid = { ...bare, session, nodes: [gateway, phone, edge] };
    expect(current({ ...grid, services: [photos] })).toMatchObject({
      state: "wrong",
      note: "home-2: its tunnel is down",
    });
    const checking = photos.endpoints.map((endpoint) => ({ ...endpoint, health: "checking" as const, reason: "" }));
    expect(current({ ...grid, services: [{ ...photos, endpoints: checking }] })).toMatchObject({
      state: "now",
      waits: "waits for the grid",
    });
  });

  it("does not call a route open that allows nobody", () => {
    const closed = routeOutcomes.find(({ route }) => route.name === "git") as RouteOutcome;
    const grid = { session, nodes: [gateway, phone, edge], services: [wiki], routes: [closed] };
    expect(current(grid)).toMatchObject({ id: "route", state: "wrong", subject: "git" });
  });
});
