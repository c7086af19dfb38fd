/**
 * State that has a URL: what is filtered, sorted, opened. Written by the History API, which Next.js follows without
 * asking the server for anything.
 */
import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

export type Changes = Record<string, string | null | undefined>;

export interface UrlState {
  get: (key: string) => string | null;
  /** Null, undefined and "" take the key away. `push`: the back button undoes it. */
  set: (changes: Changes, options?: { push?: boolean }) => void;
}

export function useUrlState(): UrlState {
  const params = useSearchParams();
  const get = useCallback((key: string) => params.get(key), [params]);
  const set = useCallback((changes: Changes, options: { push?: boolean } = {}) => {
    const url = new URL(window.location.href);
    for (const [key, value] of Object.entries(changes)) {
      if (value) url.searchParams.set(key, value);
      else url.searchParams.delete(key);
    }
    if (url.href === window.location.href) return;
    if (options.push) window.history.pushState(null, "", url);
    else window.history.replaceState(null, "", url);
  }, []);
  return { get, set };
}
