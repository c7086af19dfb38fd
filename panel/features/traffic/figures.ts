/** What counts of a time come to. Pure. */
import type { Line } from "@/components/series";
import type { TrafficFigures, TrafficSeries } from "@/lib/api/types";

export function errorShare(figures: TrafficFigures): number | null {
  return figures.requests > 0 ? figures.errors / figures.requests : null;
}

/** Whose errors they are: the application's answers, or the grid's own where it had nobody to ask. */
export function blame(figures: TrafficFigures): "" | "the grid" | "the application" | "both" {
  if (figures.errors === 0) return "";
  if (figures.own === 0) return "the application";
  return figures.own === figures.errors ? "the grid" : "both";
}

export interface Drawn {
  times: number[];
  requests: Line[];
  errors: Line[];
  latency: Line[];
  bytes: Line[];
}

/** Lines of a series: rates a second, shares of 1, milliseconds, bytes a second. */
export function drawn(series: TrafficSeries): Drawn {
  const points = series.points;
  const rate = (of: (figures: TrafficFigures) => number) => points.map(({ figures }) => of(figures) / series.step);
  return {
    times: points.map(({ at }) => Date.parse(at) / 1_000),
    requests: [{ name: "requests", values: rate((figures) => figures.requests), tone: "text" }],
    errors: [
      { name: "errors", values: points.map(({ figures }) => errorShare(figures)), tone: "bad" },
      {
        name: "of the grid's own",
        values: points.map(({ figures }) => (figures.requests > 0 ? figures.own / figures.requests : null)),
        tone: "warn",
      },
    ],
    latency: [
      { name: "p50", values: points.map(({ figures }) => figures.p50), tone: "muted" },
      { name: "p95", values: points.map(({ figures }) => figures.p95), tone: "text" },
      { name: "p99", values: points.map(({ figures }) => figures.p99), tone: "warn" },
    ],
    bytes: [
      { name: "in", values: rate((figures) => figures.received), tone: "muted" },
      { name: "out", values: rate((figures) => figures.sent), tone: "text" },
    ],
  };
}

/** The start of the newest run of points with errors; null where the last points have none. */
export function failingSince(series: TrafficSeries): string | null {
  const busy = series.points.filter(({ figures }) => figures.requests > 0);
  let since: string | null = null;
  for (const { at, figures } of busy.reverse()) {
    if (figures.errors === 0) break;
    since = at;
  }
  return since;
}
