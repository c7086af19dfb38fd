/**
 * The grid in four columns that never move: devices, gateways, edges, services, each in the order that control gives
 * (by name). Pure arithmetic, so that a node stands where it stood yesterday.
 */
import type { HopState, Topology, Vertex } from "@/lib/api/types";

export const COLUMNS = ["devices", "gateways", "edges", "services"] as const;
export type ColumnName = (typeof COLUMNS)[number];

export const ROW = 32; // px, as rows of tables
const GAP = 72; // px between columns at least, for the links

export interface Station extends Vertex {
  column: ColumnName;
}

export interface Curve {
  id: string;
  from: string;
  to: string;
  state: HopState;
  /** px, by how many single links it stands for. */
  width: number;
  d: string;
  /** Where a broken one is marked. */
  middle: { x: number; y: number };
}

export interface Layout {
  columns: { name: ColumnName; stations: Station[]; x: number }[];
  columnWidth: number;
  height: number;
  curves: Curve[];
}

export function thickness(count: number): number {
  return Math.min(1 + Math.log2(Math.max(count, 1)) / 2, 5);
}

export function layout(topology: Topology, width: number): Layout {
  const columnWidth = Math.max(96, Math.min(208, Math.floor((width - GAP * 3) / 4)));
  const step = (width - columnWidth) / 3;
  const tallest = Math.max(1, ...COLUMNS.map((name) => topology[name].length));
  const height = tallest * ROW;
  const places = new Map<string, { left: number; right: number; y: number }>();
  const columns = COLUMNS.map((name, index) => {
    const x = Math.round(index * step);
    const stations = topology[name].map((item, row) => {
      places.set(item.id, { left: x, right: x + columnWidth, y: row * ROW + ROW / 2 });
      return { ...item, column: name };
    });
    return { name, stations, x };
  });
  const curves = topology.links.flatMap((link) => {
    const from = places.get(link.start);
    const to = places.get(link.end);
    if (!from || !to) return [];
    const bend = (to.left - from.right) / 2;
    const d = `M${from.right} ${from.y}C${from.right + bend} ${from.y} ${to.left - bend} ${to.y} ${to.left} ${to.y}`;
    return {
      id: `${link.start} ${link.end}`,
      from: link.start,
      to: link.end,
      state: link.state,
      width: thickness(link.count),
      d,
      middle: { x: (from.right + to.left) / 2, y: (from.y + to.y) / 2 },
    };
  });
  return { columns, columnWidth, height, curves };
}

/** What lies on a way through `id`, to the left and to the right of it; it too. */
export function through(id: string, links: Topology["links"]): Set<string> {
  const found = new Set([id]);
  for (const [near, far] of [
    ["start", "end"],
    ["end", "start"],
  ] as const) {
    let edge = [id];
    while (edge.length > 0) {
      edge = links.filter((link) => edge.includes(link[near]) && !found.has(link[far])).map((link) => link[far]);
      for (const next of edge) found.add(next);
    }
  }
  return found;
}
