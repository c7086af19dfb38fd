import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import type { TrafficNow } from "@/lib/api/types";
import { ageing, keys } from "@/lib/query";

export function useOverview() {
  return useQuery({
    queryKey: keys.overview,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/overview", { signal })),
    refetchInterval: () => ageing(),
  });
}

export function useTopology() {
  return useQuery({
    queryKey: keys.topology,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/topology", { signal })),
  });
}

/** The last second of all gateways, as the stream told it (`lib/live.ts`); it is asked for nowhere else. */
export function useTrafficNow(): TrafficNow | undefined {
  return useQuery<TrafficNow>({ queryKey: keys.trafficNow, enabled: false }).data;
}
