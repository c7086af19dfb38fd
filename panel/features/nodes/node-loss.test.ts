import { describe, expect, it } from "vitest";
import { routeOutcomes } from "@/mock/nouns/services";
import { losses, lossOf, lossText } from "./node-loss";

const names = (routes: readonly { route: { name: string } }[]) => routes.map(({ route }) => route.name);

describe("what users lose by a node", () => {
  it("is what nobody else serves", () => {
    expect(names(lossOf("home-2", routeOutcomes).lost)).toEqual(["photos"]);
    expect(names(lossOf("home-1", routeOutcomes).lost)).toEqual(["git"]);
    expect(names(lossOf("home-1", routeOutcomes).thinner)).toEqual(["wiki"]);
  });

  it("is nothing that it has been drained of, and nothing that it has no part in", () => {
    const drained = routeOutcomes.map((route) => ({
      ...route,
      endpoints: route.endpoints.map((endpoint) => ({ ...endpoint, drained: true })),
    }));
    expect(lossOf("home-1", drained)).toEqual({ lost: [], thinner: [] });
    expect(lossOf("phone", routeOutcomes)).toEqual({ lost: [], thinner: [] });
  });

  it("is the same for all nodes at once", () => {
    const all = losses(routeOutcomes);
    for (const node of ["home-1", "home-2", "lab-3", "office-1"]) {
      expect(names(all.get(node) ?? [])).toEqual(names(lossOf(node, routeOutcomes).lost));
    }
  });

  it("names two, and counts the rest", () => {
    const of = (...given: string[]) => given.map((name) => ({ route: { name } }));
    expect(lossText(of())).toBe("");
    expect(lossText(of("photos", "wiki"))).toBe("photos, wiki");
    expect(lossText(of("photos", "wiki", "git"))).toBe("photos, wiki and 1 other");
  });
});
