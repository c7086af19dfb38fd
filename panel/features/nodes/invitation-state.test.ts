import { describe, expect, it } from "vitest";
import type { Progress } from "@/lib/api/types";
import { progress } from "@/mock/nouns/invitations";
import { endOf, stepsOf } from "./invitation-state";

const NOW = Date.now();
const seen = (given: Partial<Progress> = {}) =>
  stepsOf(progress("nas", given), NOW)
    .filter(({ state }) => state !== "later")
    .map(({ id, state, waits }) => [id, state, waits].filter(Boolean).join(" "));

describe("how far an invitation has come", () => {
  it.each<[string, Partial<Progress>, string[]]>([
    ["nobody called", {}, ["call now waits for you, at nas"]],
    ["no gateway reports", { waits_for: "grid" }, ["call now waits for the grid"]],
    ["a call came", { handshakes_begun: 1 }, ["call done", "tunnel now waits for you, at nas"]],
    ["the tunnel stands", { handshake: true }, ["call done", "tunnel done", "key now waits for you, at nas"]],
    [
      "its key is known",
      { state: "redeemed", handshake: true, waits_for: "grid" },
      ["call done", "tunnel done", "key done", "in now waits for the grid"],
    ],
    [
      "it waits for a yes",
      { state: "pending", waits_for: "operator" },
      ["call done", "tunnel done", "key done", "yes now waits for your yes"],
    ],
    [
      "it may have leaked",
      { state: "quarantined", waits_for: "operator" },
      ["call done", "tunnel done", "key done", "yes wrong waits for your yes"],
    ],
    ["it is in", { state: "active", waits_for: "nobody" }, ["call done", "tunnel done", "key done", "in done"]],
    ["it was taken back", { state: "revoked", waits_for: "nobody" }, ["call wrong is over"]],
    ["it expired", { expires: new Date(NOW - 1).toISOString() }, ["call wrong is over"]],
  ])("is said where %s", (_what, given, steps) => expect(seen(given)).toEqual(steps));

  it("never ends by its time once the node confirmed", () => {
    const expires = new Date(NOW - 1).toISOString();
    expect(endOf(progress("nas", { state: "pending", expires }), NOW)).toBeNull();
    expect(endOf(progress("nas", { state: "active", expires }), NOW)).toBe("in");
    expect(endOf(progress("nas", { state: "redeemed", expires }), NOW)).toBe("expired");
  });
});
