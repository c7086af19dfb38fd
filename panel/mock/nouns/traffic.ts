import { HttpResponse, http } from "msw";
import type { TrafficFigures, TrafficRanked, TrafficSeries } from "../../lib/api/types";

export function figures(requests: number, given: Partial<TrafficFigures> = {}): TrafficFigures {
  return {
    requests,
    errors: 0,
    own: 0,
    received: requests * 400,
    sent: requests * 9_000,
    p50: 4,
    p95: 18,
    p99: 84,
    ...given,
  };
}

export const ranked: TrafficRanked[] = [
  { name: "photos", figures: figures(900, { errors: 300, own: 300, p99: 1_020 }) },
  { name: "wiki", figures: figures(38_000, { errors: 19 }) },
  { name: "git", figures: figures(120) },
];

/** A minute with the errors of its last twenty seconds. */
export function series(of: TrafficSeries["of"], name: string, now = Date.now()): TrafficSeries {
  const points = Array.from({ length: 60 }, (_, second) => ({
    at: new Date(now - (60 - second) * 1_000).toISOString(),
    figures: figures(100 + (second % 7) * 5, second >= 40 ? { errors: 12, own: 12 } : {}),
  }));
  return { of, name, step: 1, points };
}

export const trafficHandlers = [
  http.get("*/api/v1/traffic/top", ({ request }) => {
    const query = new URL(request.url).searchParams;
    const seconds = Number(query.get("seconds"));
    return HttpResponse.json({ of: query.get("of"), by: query.get("by"), seconds, items: ranked } as never);
  }),
  http.get("*/api/v1/traffic", ({ request }) => {
    const query = new URL(request.url).searchParams;
    return HttpResponse.json(series(query.get("of") as TrafficSeries["of"], query.get("name") ?? "") as never);
  }),
];
