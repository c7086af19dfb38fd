/** How a route stands: whether it is open to anybody, and what is behind it. Pure. */

import { BADNESS } from "@/components/state-chip";
import { rankOf, type Stated, standingOf } from "@/features/services/service-state";
import type { RouteOutcome } from "@/lib/api/types";
import { selectorText } from "@/lib/selector";

export function routeState(outcome: RouteOutcome): Stated {
  if (outcome.route.allow.length === 0) {
    return { tone: "off", word: "closed", why: "It allows nobody: a route without selectors is closed." };
  }
  const behind = standingOf(outcome);
  if (behind.tone !== "healthy") return behind;
  if (outcome.can.count === 0) {
    return { tone: "warning", word: "nobody", why: outcome.advice[0] ?? "No node is what it allows." };
  }
  return behind;
}

/** How early it stands in a list. */
export function rankOfRoute(outcome: RouteOutcome): number {
  const { tone } = routeState(outcome);
  return tone === "unknown" ? rankOf(outcome) : BADNESS[tone];
}

/** Whether it works for the device that asked; none where that opens no routes, as a gateway. */
export function forYou(outcome: RouteOutcome): Stated | null {
  if (outcome.open_to_you === null) return null;
  if (!outcome.open_to_you) {
    const { allow } = outcome.route;
    const why =
      allow.length === 0 ? "it is closed to everybody" : `it is open to ${allow.map(selectorText).join(", ")} alone`;
    return { tone: "off", word: "refused", why };
  }
  if (outcome.counts.up > 0) return { tone: "healthy", word: "works", why: "" };
  // What lies behind a way that is not there is unknown; that it serves nobody through it is not.
  const lost = outcome.endpoints.some(({ health }) => health === "unknown");
  const why = outcome.advice[0] ?? "";
  return outcome.standing === "unknown" && !lost
    ? { tone: "unknown", word: "unknown", why }
    : { tone: "bad", word: "fails", why };
}
