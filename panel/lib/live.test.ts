import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { follow } from "./live";
import { isLive, setLive } from "./live-state";
import { keys } from "./query";

/** A stream that says what a test tells it to. */
class Told extends EventTarget {
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  close() {
    this.readyState = 2;
  }
  opens() {
    this.readyState = 1;
    this.onopen?.();
  }
  breaks(readyState: 0 | 2) {
    this.readyState = readyState;
    this.onerror?.();
  }
  says(kind: string, data: unknown = {}) {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data) }));
  }
}

describe("following the grid", () => {
  let client: QueryClient;
  let opened: Told[];
  let leave: () => void;
  const asked = () => vi.mocked(client.invalidateQueries).mock.calls.map(([filter]) => filter?.queryKey?.[0] ?? "all");

  beforeEach(() => {
    vi.useFakeTimers();
    client = new QueryClient();
    vi.spyOn(client, "invalidateQueries").mockResolvedValue();
    opened = [];
    leave = follow(client, () => {
      opened.push(new Told());
      return opened.at(-1) as unknown as EventSource;
    });
    opened[0]?.opens();
  });
  afterEach(() => {
    leave();
    setLive("connecting");
    vi.useRealTimers();
  });

  it("asks again for what an event names, once for many of them, and for nothing else", () => {
    expect(isLive()).toBe(true);
    for (let turn = 0; turn < 5; turn += 1) opened[0]?.says("event");
    expect(asked()).toEqual([]);
    vi.advanceTimersByTime(300);
    expect(asked()).toEqual(["events"]);
  });

  it("asks for a long list no oftener than a fifth of the time, and misses nothing", async () => {
    vi.mocked(client.invalidateQueries).mockImplementation(() => new Promise((done) => setTimeout(done, 2_000)));
    opened[0]?.says("event");
    await vi.advanceTimersByTimeAsync(300);
    for (let turn = 0; turn < 40; turn += 1) {
      opened[0]?.says("event");
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(asked()).toEqual(["events"]);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(asked()).toEqual(["events", "events"]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked()).toEqual(["events", "events"]);
  });

  it("asks at once for the first of a burst, and not again for each of the rest", async () => {
    opened[0]?.says("health");
    await vi.advanceTimersByTimeAsync(50);
    const first = asked().length;
    expect(first).toBeGreaterThan(0);
    for (let turn = 0; turn < 10; turn += 1) {
      opened[0]?.says("health");
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(asked()).toHaveLength(first);
    await vi.advanceTimersByTimeAsync(600);
    expect(asked()).toHaveLength(2 * first);
  });

  it("keeps each second of traffic, and asks for nothing", () => {
    opened[0]?.says("traffic", { at: "2026-03-01T12:00:00Z", totals: { requests: 7 } });
    vi.advanceTimersByTime(1_000);
    expect(client.getQueryData(keys.trafficNow)).toMatchObject({ totals: { requests: 7 } });
    expect(asked()).toEqual([]);
  });

  it("says when the stream is away, comes back by itself, and asks for everything then", () => {
    opened[0]?.breaks(2);
    expect(isLive()).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(opened).toHaveLength(2);
    vi.mocked(client.invalidateQueries).mockClear();
    opened[1]?.opens();
    expect(isLive()).toBe(true);
    expect(asked()).toEqual(["all"]);
  });

  it("finds out that a silent stream leads nowhere", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no way")));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(isLive()).toBe(false);
    expect(opened.length).toBeGreaterThan(1);
  });

  it("believes a silent stream where control answers", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("{}")));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isLive()).toBe(true);
    expect(opened).toHaveLength(1);
  });
});
