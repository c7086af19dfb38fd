import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";
import { keys } from "@/lib/query";
import { type Asked, everyRow } from "./rows";

const all = Array.from({ length: 2_500 }, (_, number) => `row-${number}`);

describe("a list of thousands", () => {
  let client: QueryClient;
  let asked: Asked[];
  let seen: unknown[][];
  const queryKey = keys.nodes;

  /** As control answers: the worst first are its last ones. */
  function answer(rows: readonly string[]) {
    return async (page: Asked) => {
      asked.push(page);
      seen.push([client.getQueryData<string[]>(queryKey)?.length, client.getQueryData(keys.coming(queryKey))]);
      const ordered = page.sort === "standing" ? [...rows].reverse() : rows;
      const start = Number(page.cursor ?? 0);
      const end = start + page.limit;
      const next = end < rows.length ? `${end}` : null;
      return { items: ordered.slice(start, end), next, total: rows.length };
    };
  }

  beforeEach(() => {
    client = new QueryClient();
    asked = [];
    seen = [];
  });

  it("shows its worst rows before the rest is asked for, and says how many are coming", async () => {
    const rows = await everyRow({ client, queryKey }, answer(all));
    expect(rows).toEqual(all);
    expect(asked[0]).toEqual({ limit: 100, sort: "standing" });
    expect(seen[1]).toEqual([100, 2_400]);
    expect(asked.slice(1).map(({ cursor }) => cursor)).toEqual([undefined, "1000", "2000"]);
    expect(client.getQueryData(keys.coming(queryKey))).toBe(0);
  });

  it("is whole while it is asked for again", async () => {
    client.setQueryData(queryKey, all);
    await everyRow({ client, queryKey }, answer(all.slice(1)));
    expect(asked[0]).toEqual({ limit: 1_000 });
    expect(seen.map(([shown]) => shown)).toEqual([2_500, 2_500, 2_500]);
  });

  it("is one answer where it is short", async () => {
    for (let turn = 1; turn <= 2; turn += 1) {
      const rows = await everyRow({ client, queryKey }, answer(all.slice(0, 40)));
      client.setQueryData(queryKey, rows);
      expect(rows).toHaveLength(40);
      expect(asked).toHaveLength(turn);
    }
  });
});
