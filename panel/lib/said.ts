/** One line that says what was just done, for a few seconds, to eyes and screen readers. */
import { useSyncExternalStore } from "react";

const SECONDS = 5;
let line = "";
let fading: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function set(next: string): void {
  line = next;
  for (const listener of listeners) listener();
}

export function say(text: string): void {
  clearTimeout(fading);
  set(text);
  fading = setTimeout(() => set(""), SECONDS * 1_000);
}

export function useSaid(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => line,
    () => "",
  );
}
