/** Who did it, and how grave it is. Pure. */
import type { Tone } from "@/components/state-chip";
import type { Event } from "@/lib/api/types";

export type Actor = "person" | "machine";

/** Authors are `root`, `operator:ADA`, `token:ADA/CI`, `node:HOME-1`, `address:…`, `gridwire`. */
export function actorOf(event: Event): Actor {
  const [kind, rest] = event.actor.split(":");
  if (rest !== undefined) return kind === "operator" ? "person" : "machine";
  return ["gridwire", "control", "agent", "nobody"].includes(event.actor) ? "machine" : "person";
}

const BAD = /quarantin|leak|lock|altered|broken/;
const WARNING = /fail|refus|expired|wrong|revok|denied/;

export function toneOf(event: Event): Tone {
  if (BAD.test(event.kind)) return "bad";
  return WARNING.test(event.kind) ? "warning" : "healthy";
}

/** `node.quarantined` → "node quarantined". */
export function kindText(kind: string): string {
  return kind.replace(/[.-]/g, " ");
}
