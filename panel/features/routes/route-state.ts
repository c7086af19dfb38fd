/** How a route stands: whether it is open to anybody, and what is behind it. Pure. */

import { type Stated, standingOf } from "@/features/services/service-state";
import type { RouteOutcome } from "@/lib/api/types";

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
