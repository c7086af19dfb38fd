import { describe, expect, it } from "vitest";
import { finder, type Orderable, ordered } from "./table-order";

interface Row {
  name: string;
  bad: number;
  address: string | null;
}

const row = (name: string, bad = 0, address: string | null = null): Row => ({ name, bad, address });
const columns: readonly Orderable<Row>[] = [
  { id: "name", sort: ({ name }) => name },
  { id: "address", sort: ({ address }) => address },
];
const names = (rows: readonly Row[], sort: string | null = null) =>
  ordered(
    rows,
    sort,
    columns,
    ({ name }) => name,
    ({ bad }) => bad,
  ).map(({ name }) => name);

describe("rows in order", () => {
  it("begin with the worst, and go on by name, numbers as numbers", () => {
    const rows = [row("home-10"), row("home-2"), row("Home-3"), row("zoo", 5), row("home-2-b")];
    expect(names(rows)).toEqual(["zoo", "home-2", "home-2-b", "Home-3", "home-10"]);
  });

  it("are sorted by a column either way, what is not known last", () => {
    const rows = [row("a", 0, "10.85.1.9"), row("b"), row("c", 0, "10.85.1.10"), row("d", 9, "10.85.0.1")];
    expect(names(rows, "address")).toEqual(["d", "a", "c", "b"]);
    expect(names(rows, "-address")).toEqual(["c", "a", "d", "b"]);
    expect(names(rows, "-name")).toEqual(["d", "c", "b", "a"]);
  });
});

describe("rows that are found", () => {
  it("have every word somewhere, in the order that they had, and their texts are made once", () => {
    let made = 0;
    const find = finder([row("c one"), row("a One two"), row("b two")], ({ name }) => {
      made += 1;
      return name;
    });
    expect(find(" ")).toHaveLength(3);
    expect(made).toBe(0);
    expect(find("ONE").map(({ name }) => name)).toEqual(["c one", "a One two"]);
    expect(find("two one").map(({ name }) => name)).toEqual(["a One two"]);
    expect(find("three")).toEqual([]);
    expect(made).toBe(3);
  });
});
