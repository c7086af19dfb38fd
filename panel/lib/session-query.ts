/** The session of this browser, and what it may. */
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "./api/client";
import { keys } from "./query";

export function useSession() {
  return useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/session", { signal })),
    staleTime: 60_000,
    refetchInterval: 60_000,
  });
}

/** Whether changes are offered at all; control decides, this spares a refusal. */
export function useMayChange(): boolean {
  return useSession().data?.may !== "read";
}
