import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import type { TrafficKind, TrafficRank } from "@/lib/api/types";
import { keys } from "@/lib/query";

export interface Span {
  id: string;
  word: string;
  seconds: number;
  /** Seconds of one point: about 300 in all, and a step that control keeps. */
  step: number;
}

export const SPANS: readonly Span[] = [
  { id: "5m", word: "5 min", seconds: 300, step: 1 },
  { id: "1h", word: "1 h", seconds: 3_600, step: 10 },
  { id: "1d", word: "1 day", seconds: 86_400, step: 300 },
  { id: "30d", word: "30 days", seconds: 30 * 86_400, step: 10_800 },
];

export function useTop(of: TrafficKind, by: TrafficRank, seconds: number) {
  return useQuery({
    queryKey: keys.traffic({ top: of, by, seconds }),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/traffic/top", { params: { query: { of, by, seconds, limit: 100 } }, signal })),
  });
}

/** One name's series up to now; the empty name is all of them. */
export function useTraffic(of: TrafficKind, name: string, span: Span) {
  return useQuery({
    queryKey: keys.traffic({ of, name, seconds: span.seconds }),
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - span.seconds * 1_000).toISOString();
      const query = { of, since, step: span.step, ...(name ? { name } : {}) };
      return answer(api.GET("/api/v1/traffic", { params: { query }, signal }));
    },
  });
}
