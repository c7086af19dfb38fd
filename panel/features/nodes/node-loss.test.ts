import { describe, expect, it } from "vitest";
import { routeOutcomes } from "@/mock/nouns/services";
import { losses, lossOf, lossText } from "./node-loss";

const names = (routes: readonly { route: { name: string } }[]) => routes.map(({ route }) => route.name);

const behind = (node: string) =>
  routeOutcomes.filter(({ endpoints }) => endpoints.some((endpoint) => endpoint.node === node));

describe("what users lose by a node", () => {
  it("is what nobody else serves", () => {
    expect(names(lossOf("home-2", behind("home-2")).lost)).toEqual(["photos"]);
    expect(names(lossOf("home-1", behind("home-1")).lost)).toEqual(["git"]);
    expect(names(lossOf("home-1", behind("home-1")).thinner)).toEqual(["wiki"]);
  });

  it("is nothing that it has been drained of", () => {
    const drained = behind("home-1").map((route) => ({
      ...route,
      endpoints: route.endpoints.map((endpoint) => ({ ...endpoint, drained: true })),
    }));
    expect(lossOf("home-1", drained)).toEqual({ lost: [], thinner: [] });
  });

  it("is thinner where the node is well, and so not among the worst that control names", () => {
    const crowded = routeOutcomes.map((route) => ({ ...route, counts: { ...route.counts, total: 90, up: 80 } }));
    expect(names(lossOf("edge-77", crowded).thinner)).toEqual(names(routeOutcomes));
  });

  it("is the same for all nodes at once", () => {
    const all = losses(routeOutcomes);
    for (const node of ["home-1", "home-2", "lab-3", "office-1"]) {
      expect(names(all.get(node) ?? [])).toEqual(names(lossOf(node, behind(node)).lost));
    }
  });

  it("names two, and counts the rest", () => {
    const of = (...given: string[]) => given.map((name) => ({ route: { name } }));
    expect(lossText(of())).toBe("");
    expect(lossText(of("photos", "wiki"))).toBe("photos, wiki");
    expect(lossText(of("photos", "wiki", "git"))).toBe("photos, wiki and 1 other");
  });
});
