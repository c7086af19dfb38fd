/** Who is logged in, and what happens when nobody is. */
import { useSyncExternalStore } from "react";
import type { Problem } from "./api/problem";

let wanted: Problem | null = null;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

/** The client says that control refused for want of a login. */
export function loginWanted(problem: Problem): void {
  if (wanted) return;
  wanted = problem;
  tell();
}

export function loggedIn(): void {
  wanted = null;
  tell();
}

/** The refusal that sends to the login page; none while there is a session. */
export function useLoginWanted(): Problem | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
    () => null,
  );
}
