/**
 * The audit chain, checked here and not taken on control's word: each line's hash is SHA-256 over the hash before it
 * and the line's canonical JSON (gridwire.protocol.audit). WebCrypto wants a secure context, so this does without.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Event } from "@/lib/api/types";

export interface Chain {
  first: number;
  last: number;
  /** The first line that does not follow from the one before it; null where all do. */
  brokenAt: number | null;
}

/** `events` in their order. The first is taken as it is: what it follows is not among them. Null for no event. */
export function checkChain(events: readonly Event[]): Chain | null {
  const [first, ...rest] = events;
  if (!first) return null;
  let previous = first;
  for (const event of rest) {
    if (event.number !== previous.number + 1 || event.hash !== hashAfter(previous.hash, event)) {
      return { first: first.number, last: event.number, brokenAt: event.number };
    }
    previous = event;
  }
  return { first: first.number, last: previous.number, brokenAt: null };
}

export function hashAfter(previous: string, event: Event): string {
  return bytesToHex(sha256(utf8ToBytes(previous + canonical(event))));
}

/** As Python's `json.dumps(…, sort_keys=True, separators=(",", ":"))` writes it: ASCII alone, UTC as "+00:00". */
function canonical({ actor, at, detail, kind, number, subject }: Event): string {
  const line = { actor, at: at.replace(/Z$/, "+00:00"), detail, kind, number, subject };
  return JSON.stringify(line).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
