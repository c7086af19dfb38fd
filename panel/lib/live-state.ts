/** Whether what is shown follows the grid. A store without React, so that the query client can ask it. */
import { useSyncExternalStore } from "react";

export type LiveState = "connecting" | "live" | "reconnecting" | "offline";

let state: LiveState = "connecting";
const listeners = new Set<() => void>();

export function setLive(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

export function isLive(): boolean {
  return state === "live";
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
    () => "connecting",
  );
}
