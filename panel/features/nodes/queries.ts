import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import { keys } from "@/lib/query";

export function useNodes() {
  return useQuery({
    queryKey: keys.nodes,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/nodes", { signal }))).items,
  });
}

/** One node with its ETag, for changes. */
export function readNode(name: string) {
  return tagged(api.GET("/api/v1/nodes/{name}", { params: { path: { name } } }));
}

export function useNode(name: string) {
  return useQuery({ queryKey: keys.node(name), queryFn: () => readNode(name) });
}
