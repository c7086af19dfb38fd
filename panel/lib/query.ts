/** Server state: one key for each question, and how often it is asked while nothing tells of changes. */
import { QueryClient, type QueryKey, skipToken, useQuery } from "@tanstack/react-query";
import { asProblem } from "./api/problem";
import { isLive } from "./live-state";

/** The first part is the noun that events of the stream name. */
export const keys = {
  session: ["session"] as const,
  overview: ["overview"] as const,
  topology: ["topology"] as const,
  nodes: ["nodes"] as const,
  node: (name: string) => ["nodes", name] as const,
  invitation: (name: string) => ["invitations", name] as const,
  services: ["services"] as const,
  service: (name: string) => ["services", name] as const,
  routes: ["routes"] as const,
  route: (name: string) => ["routes", name] as const,
  routesWhere: (filter: string) => ["routes", "where", filter] as const,
  servicesWhere: (filter: string) => ["services", "where", filter] as const,
  policies: ["policies"] as const,
  policyOutcomes: ["policies", "outcomes"] as const,
  policy: (name: string) => ["policies", name] as const,
  explain: (query: Record<string, string>) => ["explain", query] as const,
  trafficNow: ["traffic-now"] as const,
  traffic: (query: Record<string, string | number | undefined>) => ["traffic", query] as const,
  perimeter: ["perimeter"] as const,
  sockets: (node: string) => ["perimeter", "sockets", node] as const,
  revisions: ["revisions"] as const,
  revision: (number: number) => ["revisions", number] as const,
  events: ["events"] as const,
  alerts: ["alerts"] as const,
  notifications: ["notifications"] as const,
  maintenance: ["maintenance"] as const,
  operators: ["operators"] as const,
  tokens: ["tokens"] as const,
  sessions: ["sessions"] as const,
  passkeys: ["passkeys"] as const,
  certificates: ["certificates"] as const,
  network: ["network"] as const,
  /** Of a list: how many of its rows are yet to come. Under no noun, for it is never asked for. */
  coming: (list: QueryKey) => ["coming", ...list],
} as const;

/** How many rows of a list are yet to come (`lib/api/rows.ts`). */
export function useComing(list: QueryKey): number {
  return useQuery<number>({ queryKey: keys.coming(list), queryFn: skipToken }).data ?? 0;
}

const AGES_MS = 15_000; // an agent reports every 10 s, and no event says that nothing is new
const A_ROW_MS = 10;
const POLL_MS = 5_000; // an agent reports every 5 s: asking more often would show nothing new

/** How often what carries an age is asked for again: "12 s ago" is to be of now. A long list costs more, and comes later. */
export function ageing(rows = 0): number {
  return isLive() ? Math.max(AGES_MS, rows * A_ROW_MS) : POLL_MS;
}

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        gcTime: 10 * 60_000,
        networkMode: "always", // a mesh may be there where the browser thinks there is no network
        refetchInterval: () => (isLive() ? false : POLL_MS),
        refetchOnWindowFocus: true,
        // What control refuses it refuses again; what was not answered may be answered.
        retry: (failures, error) => {
          const { status } = asProblem(error);
          return failures < 1 && (status === 0 || status === 502 || status === 503);
        },
        retryDelay: (attempt) => Math.min(1_000 * 2 ** attempt, 5_000),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
