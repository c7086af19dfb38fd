/** The time, at 1 Hz, for everything on the page at once: relative times never disagree. */
import { useSyncExternalStore } from "react";

let now = 0;
let ticking: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

function current(): number {
  if (now === 0 || ticking === undefined) now = Math.floor(Date.now() / 1_000) * 1_000;
  return now;
}

/** Milliseconds since 1970; 0 while the page is not yet alive. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, current, () => 0);
}
