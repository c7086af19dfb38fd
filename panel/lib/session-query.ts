/** The session of this browser, and what it may. */
import { useQuery } from "@tanstack/react-query";
import { ask } from "./api/client";
import type { Session } from "./api/types";
import { keys } from "./query";

export function useSession() {
  return useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => ask<Session>("GET", "/api/v1/session", { signal }),
    staleTime: 60_000,
    refetchInterval: 60_000,
  });
}

/** Whether changes are offered at all; control decides, this spares a refusal. */
export function useMayChange(): boolean {
  return useSession().data?.may !== "read";
}
