import { describe, expect, it } from "vitest";
import { service } from "@/mock/nouns/services";
import { draftOf, parseTarget, serviceOf, shares, targetText } from "./service-draft";

describe("a service in a form", () => {
  it.each([
    service("a"),
    service("b", { target: { kind: "unix", path: "/run/app.sock" }, weights: [["home-1", 0]], retries: 0 }),
    service("c", { target: { kind: "tcp", address: "fd12::7", port: 80 }, balance: "least-connections" }),
    service("d", {
      health: { kind: "tcp", path: "/", status: 200, interval_ms: 500, timeout_ms: 700, rise: 1, fall: 9 },
    }),
  ])("$name says after an edit of nothing what it said before", (given) =>
    expect(serviceOf(draftOf(given))).toEqual(given),
  );

  it.each(["127.0.0.1:9000", "[fd12::7]:80", "unix:/run/app.sock"])("%s is a target as it is written", (text) => {
    const target = parseTarget(text);
    expect(target && targetText(target)).toBe(text);
  });

  it.each(["127.0.0.1", "127.0.0.1:", "app:9000", "unix:", "", "http://127.0.0.1:9000"])("%j is no target", (text) =>
    expect(parseTarget(text)).toBeNull(),
  );

  it("gives each node its share of all weights, and nobody one where all are 0", () => {
    expect([...shares(["a", "b"], { a: 95, b: 5 }).values()]).toEqual([0.95, 0.05]);
    expect([...shares(["a", "b"], {}).values()]).toEqual([0.5, 0.5]);
    expect([...shares(["a"], { a: 0 }).values()]).toEqual([0]);
  });
});
