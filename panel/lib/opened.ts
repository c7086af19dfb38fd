/** Which row of a page is open: its key stands in the URL, so that a drawer has an address of its own. */
import { useCallback } from "react";
import { useUrlState } from "./url-state";

export interface Opened<T> {
  key: string | null;
  open: (row: T) => void;
  /** Its tab goes with it. */
  close: () => void;
}

/** `keyOf` stands outside the component. The first row that is opened is a step of the back button, the next are not. */
export function useOpened<T>(keyOf: (row: T) => string, parameter = "name"): Opened<T> {
  const { get, set } = useUrlState();
  const key = get(parameter);
  const open = useCallback((row: T) => set({ [parameter]: keyOf(row) }, { push: !key }), [set, parameter, keyOf, key]);
  const close = useCallback(() => set({ [parameter]: null, show: null }), [set, parameter]);
  return { key, open, close };
}
