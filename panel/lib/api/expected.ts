/**
 * What this panel expects of endpoints that the schema does not describe yet, and of the stream, which it never does
 * (protocol/stream.py). A type leaves this file when the schema has it: then `types.ts` takes it from there.
 */

import type { components } from "./schema";

/** The stream's `traffic`, once a second: the last second of all gateways. */
export interface TrafficNow {
  at: string;
  totals: components["schemas"]["Figures"];
}
