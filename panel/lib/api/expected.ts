/**
 * What this panel expects of endpoints that the schema does not describe yet, and of the stream, which it never does
 * (protocol/stream.py). A type leaves this file when the schema has it: then `types.ts` takes it from there.
 */

/** Counts of a time; percentiles in milliseconds, none where nothing was answered. */
export interface TrafficFigures {
  requests: number;
  errors: number;
  own: number;
  received: number;
  sent: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** The stream's `traffic`, once a second: the last second of all gateways. */
export interface TrafficNow {
  at: string;
  totals: TrafficFigures;
}
