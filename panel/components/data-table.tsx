"use client";
/**
 * A table: at most seven columns, one line a row, the worst first. Filter and sort stand in the URL. `/` goes to the
 * filter; j and k (or the arrows) walk, Enter opens. Rows past 100 are virtual, so 10,000 cost as much as 40. Where
 * there is no room for the column that says why, it stands as a second line: a question is answered on a phone too.
 */
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useDeferredValue, useLayoutEffect, useMemo, useRef, useState } from "react";
import { count } from "@/lib/format";
import { useUrlState } from "@/lib/url-state";
import classes from "./data-table.module.css";
import { FilterField } from "./filter-field";
import { finder, type Orderable, ordered, type SortKey } from "./table-order";
import { TextButton } from "./text-button";
import { useWidth } from "./use-width";

export interface Column<T> extends Orderable<T> {
  id: string;
  head: string;
  cell: (row: T) => React.ReactNode;
  sort?: (row: T) => SortKey;
  /** A track of a grid; "minmax(0, 1fr)" unless told. */
  width?: string;
  /** The same where the table is no wider than a phone. */
  narrow?: string;
  end?: boolean;
  /** Shown from this width of the table on, in px. */
  from?: number;
}

export interface TableProps<T> {
  label: string;
  /** What a row is, in the singular, and in the plural where that is not with an s. */
  noun: string;
  nouns?: string;
  rows: readonly T[];
  rowKey: (row: T) => string;
  columns: readonly Column<T>[];
  badness?: (row: T) => number;
  text: (row: T) => string;
  /** The key of the row whose drawer is open. */
  selected?: string | null;
  onOpen?: (row: T) => void;
  /** The second line, where the table is narrower than `below` px: what the columns say that are left out. */
  brief?: { below: number; line: (row: T) => React.ReactNode };
  /** How many rows more are on their way. */
  coming?: number;
  /** Beside the filter. */
  aside?: React.ReactNode;
}

const VIRTUAL_FROM = 100;
const PHONE = 480; // px

export function DataTable<T>(props: TableProps<T>) {
  const { rows, rowKey, columns, text, badness = none, selected = null, coming = 0 } = props;
  const url = useUrlState();
  const wanted = url.get("filter") ?? "";
  const filter = useDeferredValue(wanted);
  const sort = url.get("sort");
  const [frame, width] = useWidth<HTMLDivElement>();
  const shown = useMemo(() => columns.filter((column) => width >= (column.from ?? 0)), [columns, width]);
  // What is found of rows in order is in order: a key that is typed sorts nothing.
  const sorted = useMemo(() => ordered(rows, sort, columns, rowKey, badness), [rows, sort, columns, rowKey, badness]);
  const find = useMemo(() => finder(sorted, text), [sorted, text]);
  const list = useMemo(() => find(filter), [find, filter]);
  const grid = shown.map((column) => (width < PHONE && column.narrow) || column.width || "minmax(0, 1fr)").join(" ");
  const nouns = props.nouns ?? `${props.noun}s`;
  const brief = props.brief && width < props.brief.below ? props.brief.line : null;

  return (
    <div className={classes.frame} ref={frame} data-two={brief ? true : undefined}>
      <div className={classes.tools}>
        <FilterField label={`Filter ${nouns}`} value={wanted} onChange={(f) => url.set({ filter: f })} />
        {props.aside}
        <span className={classes.count} role="status">
          {list.length === rows.length
            ? `${count(rows.length)} ${rows.length === 1 ? props.noun : nouns}`
            : `${count(list.length)} of ${count(rows.length)} ${nouns}`}
          {coming > 0 && `, ${count(coming)} more are coming`}
        </span>
      </div>
      <div
        role="grid"
        aria-label={props.label}
        aria-rowcount={list.length + 1}
        aria-colcount={shown.length + (brief ? 1 : 0)}
        aria-busy={filter !== wanted || coming > 0 || undefined}
        data-found-by={filter}
      >
        <div role="row" className={classes.head} style={{ gridTemplateColumns: grid }} aria-rowindex={1}>
          {shown.map((column) => (
            <Head key={column.id} column={column} sort={sort} onSort={(next) => url.set({ sort: next })} />
          ))}
        </div>
        {list.length === 0 ? (
          <p className={classes.none}>
            No {props.noun} has “{filter}”.{" "}
            <TextButton onClick={() => url.set({ filter: null })}>Show all {count(rows.length)}</TextButton>
          </p>
        ) : (
          <Rows
            list={list}
            shown={shown}
            grid={grid}
            rowKey={rowKey}
            selected={selected}
            second={brief}
            {...(props.onOpen ? { onOpen: props.onOpen } : {})}
          />
        )}
      </div>
    </div>
  );
}

const none = () => 0;

function Head<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>;
  sort: string | null;
  onSort: (next: string | null) => void;
}) {
  const up = sort === column.id;
  const down = sort === `-${column.id}`;
  return (
    <div
      role="columnheader"
      data-end={column.end || undefined}
      aria-sort={up ? "ascending" : down ? "descending" : undefined}
    >
      {column.sort ? (
        <button type="button" onClick={() => onSort(up ? `-${column.id}` : down ? null : column.id)}>
          {column.head}
          {up && <IconArrowUp size={12} aria-hidden="true" />}
          {down && <IconArrowDown size={12} aria-hidden="true" />}
        </button>
      ) : (
        column.head
      )}
    </div>
  );
}

interface RowsProps<T> extends Pick<TableProps<T>, "rowKey" | "selected" | "onOpen"> {
  list: readonly T[];
  shown: readonly Column<T>[];
  grid: string;
  second: ((row: T) => React.ReactNode) | null;
}

// Stays as it is while what is typed is shown and the rows that it finds are not there yet.
const Rows = memo(PlainRows) as typeof PlainRows;

function PlainRows<T>({ list, shown, grid, rowKey, selected, onOpen, second }: RowsProps<T>) {
  const body = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [top, setTop] = useState(0);
  const height = useRowHeight(second !== null);
  const virtual = list.length > VIRTUAL_FROM;

  useLayoutEffect(() => setTop(body.current?.offsetTop ?? 0), []);
  const virtualizer = useWindowVirtualizer({
    count: list.length,
    estimateSize: () => height,
    overscan: 16,
    scrollMargin: top,
    enabled: virtual,
    scrollPaddingStart: 120,
    scrollPaddingEnd: 80,
  });

  const at = (key: string | null) => (key === null ? -1 : list.findIndex((row) => rowKey(row) === key));
  const current = Math.max(0, at(focused) >= 0 ? at(focused) : at(selected ?? null));

  const go = (index: number) => {
    const row = list[Math.min(Math.max(index, 0), list.length - 1)];
    if (row === undefined) return;
    const key = rowKey(row);
    setFocused(key);
    if (virtual) virtualizer.scrollToIndex(index);
    // The row may be there only after the next frame.
    requestAnimationFrame(() => {
      const element = body.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
      element?.focus({ preventScroll: virtual });
    });
    if (selected && onOpen) onOpen(row);
  };
  const pressed = (event: React.KeyboardEvent, row: T, index: number) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.target !== event.currentTarget) return;
    const to = { j: index + 1, ArrowDown: index + 1, k: index - 1, ArrowUp: index - 1, Home: 0, End: list.length - 1 }[
      event.key
    ];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && onOpen) onOpen(row);
    else return;
    event.preventDefault();
  };

  const one = (row: T, index: number, place?: React.CSSProperties) => {
    const key = rowKey(row);
    return (
      <div
        role="row"
        key={key}
        data-key={key}
        data-row
        className={classes.row}
        style={{ gridTemplateColumns: grid, ...place }}
        aria-rowindex={index + 2}
        aria-selected={key === selected}
        tabIndex={index === current ? 0 : -1}
        onFocus={() => setFocused(key)}
        onKeyDown={(event) => pressed(event, row, index)}
        onClick={(event) => {
          if ((event.target as Element).closest("a, button") || window.getSelection()?.toString()) return;
          onOpen?.(row);
        }}
        data-opens={onOpen ? true : undefined}
      >
        {shown.map((column) => (
          <div role="gridcell" key={column.id} data-end={column.end || undefined}>
            {column.cell(row)}
          </div>
        ))}
        {second && (
          <div role="gridcell" className={classes.second}>
            {second(row)}
          </div>
        )}
      </div>
    );
  };

  if (!virtual) {
    return (
      <div role="rowgroup" ref={body}>
        {list.map((row, index) => one(row, index))}
      </div>
    );
  }
  return (
    <div role="rowgroup" ref={body} className={classes.virtual} style={{ height: virtualizer.getTotalSize() }}>
      {virtualizer.getVirtualItems().map((item) => {
        const row = list[item.index];
        return row === undefined ? null : one(row, item.index, { transform: `translateY(${item.start - top}px)` });
      })}
    </div>
  );
}

/** 32 px, and 44 where fingers are or two lines: as `--row` says. */
function useRowHeight(two: boolean): number {
  const [height, setHeight] = useState(32);
  useLayoutEffect(() => {
    const query = window.matchMedia("(max-width: 767px), (pointer: coarse)");
    const read = () => setHeight(query.matches ? 44 : 32);
    read();
    query.addEventListener("change", read);
    return () => query.removeEventListener("change", read);
  }, []);
  return two ? 48 : height;
}
