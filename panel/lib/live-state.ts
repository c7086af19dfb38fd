/** Whether what is shown follows the grid. A store without React, so that the query client can ask it. */
import { makeStore, useStore } from "./store";

export type LiveState = "connecting" | "live" | "reconnecting" | "offline";

const state = makeStore<LiveState>("connecting");

export const setLive = state.set;

export function isLive(): boolean {
  return state.get() === "live";
}

export function useLiveState(): LiveState {
  return useStore(state);
}
