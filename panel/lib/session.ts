/** Who is logged in, and what happens when nobody is. */
import type { Problem } from "./api/problem";
import { makeStore, useStore } from "./store";

const wanted = makeStore<Problem | null>(null);

/** The client says that control refused for want of a login. */
export function loginWanted(problem: Problem): void {
  if (!wanted.get()) wanted.set(problem);
}

export function loggedIn(): void {
  wanted.set(null);
}

/** The refusal that sends to the login page; none while there is a session. */
export function useLoginWanted(): Problem | null {
  return useStore(wanted);
}
