"use client";
/** Live series, by uPlot, which is loaded with the first of them. */
import { useEffect, useRef, useState } from "react";
import type uPlot from "uplot";
import { absolute, count } from "@/lib/format";
import classes from "./series.module.css";
import { Loading } from "./states";

export interface Line {
  name: string;
  /** One for each time; null where nothing is known: the line breaks. */
  values: (number | null)[];
  tone?: "text" | "muted" | "bad" | "warn";
}

export interface SeriesProps {
  label: string;
  /** Seconds since 1970. */
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  height?: number;
}

const DASHES: Record<string, number[]> = { muted: [4, 3], warn: [2, 2] };

const DAY_S = 86_400;

/** A moment as short as the distance between two of them allows. */
export function tickText(second: number, step: number): string {
  const [day = "", time = ""] = absolute(new Date(second * 1_000)).split(" ");
  return step >= DAY_S ? day.slice(5) : step >= 60 ? time.slice(0, 5) : time;
}

export function Series(props: SeriesProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [drawn, setDrawn] = useState(false);
  const { label, times, lines, format, height = 120 } = props;
  const shape = lines.map((line) => `${line.name}/${line.tone}`).join(" ");
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [times, ...lines.map((line) => line.values)] as uPlot.AlignedData;

  // biome-ignore lint/correctness/useExhaustiveDependencies: new values are given to the plot below, not to a new one
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let gone = false;
    let observer: ResizeObserver | undefined;
    void Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]).then(([{ default: Plot }]) => {
      if (gone) return;
      const ink = (name: string) => getComputedStyle(element).getPropertyValue(`--${name}`).trim();
      const axis = {
        stroke: ink("muted"),
        font: "12px Inter Variable",
        grid: { stroke: ink("line"), width: 1 },
        ticks: { show: false },
      };
      plot.current = new Plot(
        {
          width: element.clientWidth,
          height,
          padding: [8, 8, 0, 0],
          cursor: { y: false, points: { size: 5 } },
          legend: { show: false },
          axes: [
            // One line: the day is on hover of what the figures are of, and a second line would be cut off.
            {
              ...axis,
              grid: { show: false },
              size: 24,
              space: 72,
              values: (_self, ticks, _axis, _space, step) => ticks.map((tick) => tickText(tick, step)),
            },
            { ...axis, size: 64, values: (_self, ticks) => ticks.map((tick) => format(tick)), space: 32 },
          ],
          series: [
            {},
            ...lines.map((line) => ({
              label: line.name,
              stroke: ink(line.tone ?? "text"),
              width: 1.5,
              dash: DASHES[line.tone ?? ""] ?? [],
              points: { show: false },
            })),
          ],
        },
        data.current,
        element,
      );
      observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
      observer.observe(element);
      setDrawn(true);
    });
    return () => {
      gone = true;
      observer?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what `data` holds was made of these
  useEffect(() => plot.current?.setData(data.current), [times, lines]);

  return (
    <figure className={classes.series}>
      <figcaption>
        <span>{label}</span>
        {lines.map((line) => (
          <span key={line.name} data-tone={line.tone ?? "text"}>
            <i aria-hidden="true" /> {line.name} <b>{format(line.values.at(-1) ?? null)}</b>
          </span>
        ))}
        <span className="out-of-sight">{count(times.length)} values</span>
      </figcaption>
      <div ref={host} className={classes.host} style={{ height }}>
        {!drawn && <Loading what={label} rows={2} />}
      </div>
    </figure>
  );
}
