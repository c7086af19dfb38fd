/** One line that says what was just done, for a few seconds, to eyes and screen readers. */
import { makeStore, useStore } from "./store";

const SECONDS = 5;
const line = makeStore("");
let fading: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  clearTimeout(fading);
  line.set(text);
  fading = setTimeout(() => line.set(""), SECONDS * 1_000);
}

export function useSaid(): string {
  return useStore(line);
}
