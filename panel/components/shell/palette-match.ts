export interface Entry {
  id: string;
  kind: string;
  name: string;
  href: string;
  words: string;
  key?: string;
}

/** Best first: the name begins so, a word of it does, it stands in the name, it stands in the other words. */
function rank(entry: Entry, typed: string): number {
  const name = entry.name.toLowerCase();
  if (name.startsWith(typed)) return 0;
  if (name.split(/[\s.-]/).some((word) => word.startsWith(typed))) return 1;
  if (name.includes(typed)) return 2;
  if (`${entry.words} ${entry.kind}`.toLowerCase().includes(typed)) return 3;
  return Number.POSITIVE_INFINITY;
}

export function matching(entries: readonly Entry[], typed: string): Entry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return entries
    .map((entry, index) => ({ entry, index, rank: words.reduce((sum, word) => sum + rank(entry, word), 0) }))
    .filter(({ rank }) => Number.isFinite(rank))
    .sort((one, other) => one.rank - other.rank || one.index - other.index)
    .map(({ entry }) => entry);
}
