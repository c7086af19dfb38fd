/**
 * Follows the grid by server-sent events: what an event names is asked for again, and nothing else is. While the
 * stream is away, queries are asked every 5 s (`query.ts`) and the mark in the status strip says so.
 */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { setLive } from "./live-state";
import { keys } from "./query";

/** Which questions an event of the stream makes old: by the first part of their keys. */
const STALE: Record<string, readonly string[]> = {
  revision: ["revisions", "overview", "topology", "nodes", "services", "routes", "policies", "invitations", "explain"],
  nodes: ["nodes", "overview", "topology", "invitations", "perimeter", "routes", "services"],
  health: ["services", "routes", "overview", "topology", "explain"],
  event: ["events"],
  alert: ["alerts", "overview"],
};

const OFFLINE_AFTER_MS = 15_000;
const RETRY_MS = 2_000;
const SILENT_MS = 20_000; // control says something every 15 s at the latest, and traffic once a second
const WATCH_MS = 5_000;
const PROBE_MS = 5_000;
const CONNECT_MS = 10_000;
const [CONNECTING, CLOSED] = [0, 2]; // of EventSource.readyState
const SOON_MS = 30; // what control saw in one look comes in as many events: ask once
const GATHER_MS = 250; // from one asking to the next, at least: a redeploy turns things for as long as it lasts
const PAUSES = 4; // times what an answer took: of 10,000 nodes some turn at every moment, and all of them are asked for

export const STREAM = "/api/v1/stream";

/** Keeps the stream open until the answer is called. `open` is a parameter for tests. */
export function follow(
  client: QueryClient,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource | null = null;
  let again: ReturnType<typeof setTimeout> | undefined;
  let offline: ReturnType<typeof setTimeout> | undefined;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let broken = false;
  let heard = Date.now();
  let asked = 0;
  const stale = new Set<string>();
  const resting = new Set<string>(); // nouns that are asked for, or were a moment ago

  const ask = () => {
    gathering = undefined;
    asked = Date.now();
    for (const noun of [...stale].filter((noun) => !resting.has(noun))) {
      stale.delete(noun);
      resting.add(noun);
      const began = Date.now();
      const rested = () => {
        resting.delete(noun);
        if (stale.has(noun)) gathering ??= setTimeout(ask, GATHER_MS);
      };
      void client
        .invalidateQueries({ queryKey: [noun] })
        .finally(() => setTimeout(rested, PAUSES * (Date.now() - began)));
    }
  };
  const turned = (kind: string) => {
    heard = Date.now();
    for (const noun of STALE[kind] ?? []) stale.add(noun);
    gathering ??= setTimeout(ask, Math.max(SOON_MS, asked + GATHER_MS - heard));
  };
  const anew = () => {
    source?.close();
    clearTimeout(again);
    again = setTimeout(connect, RETRY_MS);
  };
  // A tunnel that dies closes no connection, and one that is opened through it neither comes nor fails for minutes.
  const watching = setInterval(() => {
    const silent = Date.now() - heard;
    if (broken && silent >= CONNECT_MS && source?.readyState === CONNECTING) {
      heard = Date.now();
      anew();
    } else if (!broken && silent >= SILENT_MS) {
      heard = Date.now();
      probe().catch(() => {
        away();
        anew();
      });
    }
  }, WATCH_MS);
  const away = () => {
    broken = true;
    setLive("reconnecting");
    offline ??= setTimeout(() => setLive("offline"), OFFLINE_AFTER_MS);
    void client.invalidateQueries({ queryKey: ["session"] }); // a stream also ends with its session
  };
  const connect = () => {
    source = open(STREAM);
    source.onopen = () => {
      heard = Date.now();
      clearTimeout(offline);
      offline = undefined;
      setLive("live");
      // What happened meanwhile may be more than the stream kept.
      if (broken) void client.invalidateQueries();
      broken = false;
    };
    source.onerror = () => {
      away();
      // A browser does not try again after an answer that is no stream.
      if (source?.readyState === CLOSED) anew();
    };
    for (const kind of Object.keys(STALE)) source.addEventListener(kind, () => turned(kind));
    // Comes once a second: kept, and nothing asked again for it.
    source.addEventListener("traffic", (event) => {
      heard = Date.now();
      client.setQueryData(keys.trafficNow, JSON.parse((event as MessageEvent<string>).data));
    });
    source.addEventListener("resync", () => void client.invalidateQueries());
  };
  connect();
  return () => {
    source?.close();
    clearInterval(watching);
    clearTimeout(again);
    clearTimeout(offline);
    clearTimeout(gathering);
  };
}

/** Whether anything answers; any answer will do. */
async function probe(): Promise<void> {
  await fetch("/api/v1/session", { signal: AbortSignal.timeout(PROBE_MS), cache: "no-store" });
}

export function useFollow(enabled: boolean): void {
  const client = useQueryClient();
  useEffect(() => (enabled ? follow(client) : undefined), [client, enabled]);
}
