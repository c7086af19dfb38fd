/**
 * Follows the grid by server-sent events: what an event names is asked for again, and nothing else is. While the
 * stream is away, queries are asked every 5 s (`query.ts`) and the mark in the status strip says so.
 */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { setLive, useLiveState } from "./live-state";
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
const GATHER_MS = 250; // a redeploy turns many things in one moment: ask once

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
  const stale = new Set<string>();

  const ask = () => {
    gathering = undefined;
    const nouns = [...stale];
    stale.clear();
    for (const noun of nouns) void client.invalidateQueries({ queryKey: [noun] });
  };
  const turned = (kind: string) => {
    for (const noun of STALE[kind] ?? []) stale.add(noun);
    gathering ??= setTimeout(ask, GATHER_MS);
  };
  const away = () => {
    broken = true;
    setLive("reconnecting");
    offline ??= setTimeout(() => setLive("offline"), OFFLINE_AFTER_MS);
    void client.invalidateQueries({ queryKey: ["session"] }); // a stream also ends with its session
  };
  const connect = () => {
    source = open(STREAM);
    source.onopen = () => {
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
      if (source?.readyState === 2) again = setTimeout(connect, RETRY_MS);
    };
    for (const kind of Object.keys(STALE)) source.addEventListener(kind, () => turned(kind));
    // Comes once a second: kept, and nothing asked again for it.
    source.addEventListener("traffic", (event) => {
      client.setQueryData(keys.trafficNow, JSON.parse((event as MessageEvent<string>).data));
    });
    source.addEventListener("resync", () => void client.invalidateQueries());
  };
  connect();
  return () => {
    source?.close();
    clearTimeout(again);
    clearTimeout(offline);
    clearTimeout(gathering);
  };
}

export function useFollow(enabled: boolean): void {
  const client = useQueryClient();
  useEffect(() => (enabled ? follow(client) : undefined), [client, enabled]);
}

export { useLiveState };
