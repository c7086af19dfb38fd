import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import type { TrafficKind, TrafficRank } from "@/lib/api/types";
import { isLive } from "@/lib/live-state";
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

const MOST_SECONDS = 86_400; // that control adds up for a list

/** The time that a list of all is of: a day at most. */
export function ranked({ seconds }: Span): number {
  return Math.min(seconds, MOST_SECONDS);
}

/** No event tells of traffic but the last second's, so it is asked again, in steps of what is drawn. */
const again = (seconds: number) => (isLive() ? Math.min(Math.max(2, seconds / 150), 60) * 1_000 : 5_000);

export function useTop(of: TrafficKind, by: TrafficRank, seconds: number) {
  return useQuery({
    queryKey: keys.traffic({ top: of, by, seconds }),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/traffic/top", { params: { query: { of, by, seconds, limit: 100 } }, signal })),
    refetchInterval: () => Math.max(5_000, again(seconds)), // dearer than a series: it adds up everything
  });
}

/** One name's series up to now; without a name, of all gateways together. */
export function useTraffic(of: TrafficKind, name: string, span: Span) {
  return useQuery({
    queryKey: keys.traffic({ of: name ? of : "gateway", name, seconds: span.seconds }),
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - span.seconds * 1_000).toISOString();
      const whose = name ? { of, name } : { of: "gateway" as const };
      const query = { ...whose, since, step: span.step };
      return answer(api.GET("/api/v1/traffic", { params: { query }, signal }));
    },
    refetchInterval: () => again(span.seconds),
  });
}
