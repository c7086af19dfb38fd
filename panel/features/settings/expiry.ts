/** How near an end is. Pure. */
import type { Tone } from "@/components/state-chip";

const DAY_MS = 86_400_000;
export const NEAR_DAYS = 14;

export interface Ending {
  tone: Tone;
  word: string;
}

/** `renewed`: the grid sees to it by itself, so that only a failure of that is worth a colour. */
export function endingOf(at: string, now: number, renewed = false): Ending {
  const days = Math.floor((Date.parse(at) - now) / DAY_MS);
  if (days < 0) return { tone: "bad", word: "expired" };
  const word = days === 0 ? "ends today" : days === 1 ? "1 day left" : `${days} days left`;
  const near = renewed ? 5 : NEAR_DAYS;
  return { tone: days < near ? "warning" : "healthy", word };
}
