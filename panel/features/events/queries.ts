import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import { keys } from "@/lib/query";

/** How many lines are looked at: the last ones, in their order. `gridwire events --verify` checks all. */
export const LINES = 1000;

export function useEvents() {
  return useQuery({
    queryKey: keys.events,
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/api/v1/events", { params: { query: { limit: LINES } }, signal }))).items,
  });
}
