/** How a service stands, in a word that an operator can act on, and why. Pure. */
import { BADNESS, type Tone } from "@/components/state-chip";
import type { EndpointView, Health, ServiceOutcome } from "@/lib/api/types";
import { plural } from "@/lib/format";

export interface Stated {
  tone: Tone;
  word: string;
  why: string;
}

type Standing = ServiceOutcome["standing"];
type Counts = ServiceOutcome["counts"];

const TONE: Record<Standing, Tone> = { failing: "bad", degraded: "warning", unknown: "unknown", serving: "healthy" };
const WORD: Record<Standing, string> = {
  failing: "failing",
  degraded: "degraded",
  unknown: "unknown",
  serving: "serving",
};

export function standingOf(given: {
  standing: Standing;
  counts: Counts;
  endpoints: readonly EndpointView[];
  advice: readonly string[];
}): Stated {
  const { standing, counts, endpoints, advice } = given;
  const bad = endpoints.find((endpoint) => endpoint.health === "down" || endpoint.health === "refused");
  const lost = endpoints.find((endpoint) => endpoint.health === "unknown");
  const worst = bad ?? lost;
  const because = worst ? `${worst.node}: ${worst.reason || worst.health}` : (advice[0] ?? "");
  const serve = `${counts.up} of ${plural(counts.total, "endpoint")} serve`;
  if (counts.total === 0) return { tone: TONE[standing], word: "no endpoint", why: advice[0] ?? "No edge runs it." };
  return {
    tone: TONE[standing],
    word: WORD[standing],
    why: because && standing !== "serving" ? `${serve}. ${because}` : serve,
  };
}

/** How early it stands in a list: what serves nobody comes before what serves somebody, also where why is not known. */
export function rankOf(given: Parameters<typeof standingOf>[0]): number {
  const { counts, standing } = given;
  const nobody = standing === "unknown" && counts.unknown > 0;
  return nobody ? (BADNESS.bad + BADNESS.warning) / 2 : BADNESS[standingOf(given).tone];
}

export const ENDPOINT_TONE: Record<Health, Tone> = {
  up: "healthy",
  down: "bad",
  refused: "bad",
  unknown: "unknown",
  checking: "working",
};

export function endpointState(endpoint: Pick<EndpointView, "drained" | "health" | "reason">): Stated {
  if (endpoint.drained && endpoint.health === "up") {
    return { tone: "off", word: "drained", why: "It gets no new requests, as you asked." };
  }
  return { tone: ENDPOINT_TONE[endpoint.health], word: endpoint.health, why: endpoint.reason };
}
