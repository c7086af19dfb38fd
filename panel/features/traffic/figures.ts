/** What counts of a time come to. Pure. */
import type { Line } from "@/components/series";
import type { TrafficFigures, TrafficRanked, TrafficSeries } from "@/lib/api/types";

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

const SHORT_S = 10; // of a step

/** Lines of a series: rates a second, shares of 1, milliseconds, bytes a second. The short step that is now is left out:
 * it is not over, and would be drawn as a fall to nothing. */
export function drawn(series: TrafficSeries): Drawn {
  const points = series.step <= SHORT_S && series.points.length > 1 ? series.points.slice(0, -1) : series.points;
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

export interface Spell {
  /** Of its first and last point with an error. */
  from: string;
  to: string;
  /** It goes on: there was none without an error that is newer, or not for long. */
  now: boolean;
}

const CLEAN_S = 30; // so long without an error, or three points, and it is over

/** The newest spell of errors; null where there was none. A point without an error in between does not end it. */
export function errorSpell(series: TrafficSeries): Spell | null {
  const pause = Math.max(CLEAN_S, series.step * 3) * 1_000;
  const at = (point: { at: string }) => Date.parse(point.at);
  const bad = series.points.filter(({ figures }) => figures.errors > 0).reverse();
  const [last] = bad;
  const newest = series.points.at(-1);
  if (!last || !newest) return null;
  let first = last;
  for (const point of bad) {
    if (at(first) - at(point) > pause) break;
    first = point;
  }
  return { from: first.at, to: last.at, now: at(newest) - at(last) <= pause };
}

export interface Blamed {
  service: string;
  /** Endpoints that were asked at all, and those of them that answered with errors, the worst first. */
  asked: number;
  bad: { node: string; share: number | null; whose: ReturnType<typeof blame> }[];
  /** Errors where no endpoint could be asked. */
  unasked: number;
}

const NOBODY = "-"; // in a name's place (gridwire.core.traffic)

/** Of each service with errors, whether one endpoint has them or all. `ranked`: endpoints, as `service/node`. */
export function blamed(ranked: readonly TrafficRanked[]): Blamed[] {
  const found = new Map<string, Blamed>();
  for (const { name, figures } of ranked) {
    const slash = name.indexOf("/");
    const [service, node] = [name.slice(0, slash), name.slice(slash + 1)];
    const one = found.get(service) ?? { service, asked: 0, bad: [], unasked: 0 };
    found.set(service, one);
    if (node === NOBODY) one.unasked += figures.errors;
    else {
      one.asked += 1;
      if (figures.errors > 0) one.bad.push({ node, share: errorShare(figures), whose: blame(figures) });
    }
  }
  for (const one of found.values()) one.bad.sort((a, b) => (b.share ?? 0) - (a.share ?? 0));
  return [...found.values()].filter((one) => one.bad.length > 0 || one.unasked > 0);
}
