"use client";
import Link from "next/link";
import { useMemo, useState } from "react";
import { Shape, type Tone } from "@/components/state-chip";
import { useWidth } from "@/components/use-width";
import type { HopState, Topology } from "@/lib/api/types";
import { count } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./graph.module.css";
import { COLUMNS, type ColumnName, layout, type Station, through } from "./graph-layout";

const TONE: Record<HopState, Tone> = { ok: "healthy", broken: "bad", unknown: "unknown" };
const WORD: Record<HopState, string> = { ok: "reached", broken: "broken", unknown: "unknown" };
const TITLE: Record<ColumnName, string> = {
  devices: "Devices",
  gateways: "Gateways",
  edges: "Edges",
  services: "Services",
};
const NARROW = 640; // px: below, the links have no room and the columns stand two by two

function hrefOf({ column, name, group }: Station): string {
  const query = group ? { filter: name } : { name };
  return column === "services" ? paths.services(query) : paths.nodes(query);
}

/** The grid as it is. What fails is in colour and the rest steps back; what a pointer rests on shows its ways. */
export function Graph({ topology }: { topology: Topology }) {
  const [frame, measured] = useWidth<HTMLDivElement>();
  const [on, setOn] = useState<string | null>(null);
  const width = Number.isFinite(measured) ? measured : 1184;
  const narrow = width < NARROW;
  const { columns, columnWidth, height, curves } = useMemo(() => layout(topology, width), [topology, width]);
  const lit = useMemo(() => (on ? through(on, topology.links) : null), [on, topology]);
  const failing = curves.some((curve) => curve.state === "broken");
  const dim = (state: HopState, ...ids: string[]) =>
    lit ? !ids.every((id) => lit.has(id)) : failing && state === "ok";
  const lost = COLUMNS.every((name) => topology[name].length === 0);
  if (lost) return null;

  return (
    <div className={classes.graph} ref={frame} data-narrow={narrow || undefined}>
      <div className={classes.heads} style={narrow ? undefined : { height: 24 }}>
        {!narrow &&
          columns.map((column) => (
            <h3 key={column.name} style={{ left: column.x, width: columnWidth }}>
              {TITLE[column.name]}
            </h3>
          ))}
      </div>
      <div className={classes.field} style={narrow ? undefined : { height }}>
        {!narrow && (
          <svg width={width} height={height} aria-hidden="true" focusable="false">
            {curves.map((curve) => (
              <g key={curve.id} data-state={curve.state} data-dim={dim(curve.state, curve.from, curve.to) || undefined}>
                <path d={curve.d} strokeWidth={curve.width} />
                {curve.state === "broken" && (
                  <path
                    className={classes.break}
                    d={`M${curve.middle.x - 4} ${curve.middle.y + 5}l3-10M${curve.middle.x + 1} ${curve.middle.y + 5}l3-10`}
                  />
                )}
              </g>
            ))}
          </svg>
        )}
        {columns.map((column) => (
          <div
            key={column.name}
            className={classes.column}
            style={narrow ? undefined : { left: column.x, width: columnWidth }}
          >
            {narrow && <h3>{TITLE[column.name]}</h3>}
            <ul aria-label={TITLE[column.name]}>
              {column.stations.map((station) => (
                <li key={station.id} data-dim={dim(station.state, station.id) || undefined}>
                  <Link
                    href={hrefOf(station)}
                    prefetch={false}
                    title={station.reason || undefined}
                    onMouseEnter={() => setOn(station.id)}
                    onMouseLeave={() => setOn(null)}
                    onFocus={() => setOn(station.id)}
                    onBlur={() => setOn(null)}
                  >
                    <Shape tone={TONE[station.state]} />
                    <span className={classes.name}>{station.name}</span>
                    {station.group && (
                      <span className={classes.count}>
                        {station.broken > 0
                          ? `${count(station.broken)} of ${count(station.count)}`
                          : count(station.count)}
                      </span>
                    )}
                    <span className="out-of-sight">
                      , {WORD[station.state]}
                      {station.reason && `, ${station.reason}`}
                    </span>
                  </Link>
                </li>
              ))}
              {column.stations.length === 0 && <li className={classes.none}>none</li>}
            </ul>
          </div>
        ))}
      </div>
    </div>
  );
}
