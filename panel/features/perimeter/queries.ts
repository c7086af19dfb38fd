import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import { everyPage } from "@/lib/api/rows";
import type { SocketView } from "@/lib/api/types";
import { ageing, keys } from "@/lib/query";

const NONE = 1; // sockets of this question: the least that may be asked for

/** The verdict, and each node with its guard and findings. */
export function usePerimeter() {
  return useQuery({
    queryKey: keys.perimeter,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/perimeter", { params: { query: { limit: NONE } }, signal })),
    refetchInterval: ({ state }) => ageing(state.data?.nodes.length),
  });
}

/** Every socket of every node that an agent told of. */
export function useSockets() {
  return useQuery({
    queryKey: [...keys.perimeter, "all-sockets"],
    queryFn: ({ signal }) =>
      everyPage<SocketView>(
        async (asked) => (await answer(api.GET("/api/v1/perimeter", { params: { query: asked }, signal }))).sockets,
      ),
    refetchInterval: ({ state }) => ageing(state.data?.length),
  });
}
