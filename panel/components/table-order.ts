/** Which rows a table shows and in which order: pure, so that 10,000 of them are tested without a browser. */

export type SortKey = string | number | null;

export interface Orderable<T> {
  id: string;
  sort?: ((row: T) => SortKey) | undefined;
}

const collator = new Intl.Collator("en", { numeric: true }); // home-2 before home-10

function compare(one: SortKey, other: SortKey): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1; // what is not known comes last
  if (typeof one === "number" && typeof other === "number") return one - other;
  return collator.compare(String(one), String(other));
}

/** Every word of the filter stands somewhere in the row's text. */
export function filtered<T>(rows: readonly T[], filter: string, text: (row: T) => string): readonly T[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const where = text(row).toLowerCase();
    return words.every((word) => where.includes(word));
  });
}

/** `sort`: a column's id, with "-" for descending; without it the worst stand first, then by key. */
export function ordered<T>(
  rows: readonly T[],
  sort: string | null,
  columns: readonly Orderable<T>[],
  key: (row: T) => string,
  badness: (row: T) => number,
): T[] {
  const down = sort?.startsWith("-") ?? false;
  const by = columns.find((column) => column.id === (down ? sort?.slice(1) : sort))?.sort;
  const decorated = rows.map((row) => ({ row, key: key(row), by: by ? by(row) : -badness(row) }));
  decorated.sort((one, other) => {
    const unknown = one.by === null || other.by === null;
    const order = compare(one.by, other.by) * (down && !unknown ? -1 : 1);
    return order || collator.compare(one.key, other.key);
  });
  return decorated.map(({ row }) => row);
}
