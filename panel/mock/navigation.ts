/** next/navigation for tests: the address bar alone decides, and `went` remembers where a page sent its reader. */
import { useSyncExternalStore } from "react";

export const went: string[] = [];

const listeners = new Set<() => void>();
for (const name of ["pushState", "replaceState"] as const) {
  const original = window.history[name].bind(window.history);
  window.history[name] = (...given) => {
    original(...given);
    for (const listener of listeners) listener();
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

export function useSearchParams(): URLSearchParams {
  return new URLSearchParams(useSyncExternalStore(subscribe, () => window.location.search));
}

export function usePathname(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

const router = {
  push: (href: string) => {
    went.push(href);
    window.history.pushState(null, "", href);
  },
  replace: (href: string) => {
    went.push(href);
    window.history.replaceState(null, "", href);
  },
  prefetch: () => {},
  back: () => window.history.back(),
};

export const useRouter = () => router;
