import { useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api/client";
import type { Overview, Topology } from "@/lib/api/types";
import { keys } from "@/lib/query";

export function useOverview() {
  return useQuery({
    queryKey: keys.overview,
    queryFn: ({ signal }) => ask<Overview>("GET", "/api/v1/overview", { signal }),
  });
}

export function useTopology() {
  return useQuery({
    queryKey: keys.topology,
    queryFn: ({ signal }) => ask<Topology>("GET", "/api/v1/topology", { signal }),
  });
}
