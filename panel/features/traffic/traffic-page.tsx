"use client";
/** Errors where, since when, one endpoint or all: the worst first, with the series of what is chosen above. */
import { SegmentedControl } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Page, Section } from "@/components/page";
import { Series } from "@/components/series";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { TextButton } from "@/components/text-button";
import type { TrafficKind, TrafficRank, TrafficRanked, TrafficSeries } from "@/lib/api/types";
import { bytesPerSecond, milliseconds, perSecond, share } from "@/lib/format";
import { useUrlState } from "@/lib/url-state";
import { ErrorsWhere } from "./errors-where";
import { blame, drawn, errorShare } from "./figures";
import { ranked, SPANS, type Span, useTop, useTraffic } from "./queries";
import classes from "./traffic-page.module.css";

const KINDS: readonly { value: TrafficKind; label: string; one: string }[] = [
  { value: "route", label: "Routes", one: "route" },
  { value: "service", label: "Services", one: "service" },
  { value: "endpoint", label: "Endpoints", one: "endpoint" },
  { value: "node", label: "Nodes", one: "node" },
  { value: "gateway", label: "Gateways", one: "gateway" },
];
const RANKS: readonly { value: TrafficRank; label: string }[] = [
  { value: "errors", label: "Errors" },
  { value: "p99", label: "p99" },
  { value: "requests", label: "Requests" },
  { value: "bytes", label: "Bytes" },
];

const keyOf = (ranked: TrafficRanked) => ranked.name;
const text = (ranked: TrafficRanked) => ranked.name;

function columnsFor(seconds: number): readonly Column<TrafficRanked>[] {
  return [
    {
      id: "name",
      head: "Name",
      width: "minmax(112px, 2fr)",
      sort: ({ name }) => name,
      cell: ({ name }) => <b>{name}</b>,
    },
    {
      id: "errors",
      head: "Errors",
      width: "96px",
      end: true,
      sort: ({ figures }) => -(errorShare(figures) ?? -1),
      cell: ({ figures }) =>
        figures.errors > 0 ? (
          <StateChip tone="bad" word={share(errorShare(figures))} />
        ) : (
          <span className="number">{share(errorShare(figures))}</span>
        ),
    },
    {
      id: "whose",
      head: "Whose",
      width: "112px",
      from: 760,
      sort: ({ figures }) => blame(figures) || null,
      cell: ({ figures }) => <span className="muted">{blame(figures)}</span>,
    },
    {
      id: "requests",
      head: "Requests",
      width: "88px",
      end: true,
      sort: ({ figures }) => -figures.requests,
      cell: ({ figures }) => <span className="number">{perSecond(figures.requests / seconds)}</span>,
    },
    {
      id: "p95",
      head: "p95",
      width: "80px",
      end: true,
      from: 560,
      sort: ({ figures }) => (figures.p95 === null ? null : -figures.p95),
      cell: ({ figures }) => <span className="number">{milliseconds(figures.p95)}</span>,
    },
    {
      id: "p99",
      head: "p99",
      width: "80px",
      end: true,
      from: 480,
      sort: ({ figures }) => (figures.p99 === null ? null : -figures.p99),
      cell: ({ figures }) => <span className="number">{milliseconds(figures.p99)}</span>,
    },
    {
      id: "out",
      head: "Out",
      width: "96px",
      end: true,
      from: 640,
      sort: ({ figures }) => -figures.sent,
      cell: ({ figures }) => <span className="number">{bytesPerSecond(figures.sent / seconds)}</span>,
    },
  ];
}

const COLUMNS = new Map(SPANS.map((span) => [span.id, columnsFor(ranked(span))]));

const DEFAULT = SPANS[0] as Span;

export function TrafficPage() {
  const url = useUrlState();
  const { set } = url;
  const kind = KINDS.find(({ value }) => value === url.get("of")) ?? (KINDS[0] as (typeof KINDS)[number]);
  const rank = RANKS.find(({ value }) => value === url.get("by"))?.value ?? "errors";
  const span = SPANS.find(({ id }) => id === url.get("since")) ?? DEFAULT;
  const name = url.get("name") ?? "";
  const top = useTop(kind.value, rank, ranked(span));
  const endpoints = useTop("endpoint", "errors", ranked(span));
  const series = useTraffic(kind.value, name, span);
  const choose = useCallback(
    (ranked: TrafficRanked) => set({ name: ranked.name === name ? null : ranked.name }, { push: true }),
    [set, name],
  );
  const order = useMemo(() => new Map(top.data?.items.map((item, index) => [item.name, -index]) ?? []), [top.data]);
  const badness = useCallback((ranked: TrafficRanked) => order.get(ranked.name) ?? 0, [order]);
  return (
    <Page
      title="Traffic"
      actions={
        <SegmentedControl
          aria-label="Time"
          data={SPANS.map(({ id, word }) => ({ value: id, label: word }))}
          value={span.id}
          onChange={(id) => set({ since: id === DEFAULT.id ? null : id })}
        />
      }
    >
      <Section
        title={name ? `${kind.one} ${name}` : "All traffic"}
        aside={name && <TextButton onClick={() => set({ name: null })}>all traffic</TextButton>}
      >
        <Answered query={series} what="series" rows={6}>
          {(found) => (
            <>
              {!name && endpoints.data && <ErrorsWhere series={found} ranked={endpoints.data.items} />}
              <Charts series={found} />
            </>
          )}
        </Answered>
      </Section>
      <div className={classes.choice}>
        <SegmentedControl
          aria-label="Of what"
          data={KINDS.map(({ value, label }) => ({ value, label }))}
          value={kind.value}
          onChange={(of) => set({ of: of === "route" ? null : of, name: null })}
        />
        <SegmentedControl
          aria-label="Worst by"
          data={RANKS.map(({ value, label }) => ({ value, label }))}
          value={rank}
          onChange={(by) => set({ by: by === "errors" ? null : by })}
        />
      </div>
      <Answered query={top} what="traffic" rows={8}>
        {(found) =>
          found.items.length === 0 ? (
            <Empty title={`Nothing was asked of a ${kind.one} in this time`}>
              <p>Each request that a gateway answers is counted, by the second for the last hour.</p>
              <Command text="gridwire traffic" />
            </Empty>
          ) : (
            <DataTable
              label="Traffic"
              noun={kind.one}
              rows={found.items}
              rowKey={keyOf}
              columns={COLUMNS.get(span.id) ?? columnsFor(ranked(span))}
              badness={badness}
              text={text}
              selected={name || null}
              onOpen={choose}
              {...(ranked(span) < span.seconds ? { aside: <span className="muted">of the last day</span> } : {})}
            />
          )
        }
      </Answered>
    </Page>
  );
}

function Charts({ series }: { series: TrafficSeries }) {
  const { times, requests, errors, latency, bytes } = useMemo(() => drawn(series), [series]);
  if (times.length === 0) return <p className="muted">No requests in this time.</p>;
  return (
    <div className={classes.charts}>
      <Series label="Requests a second" times={times} lines={requests} format={perSecond} />
      <Series label="Share of errors" times={times} lines={errors} format={share} />
      <Series label="Latency" times={times} lines={latency} format={milliseconds} />
      <Series label="Bytes a second" times={times} lines={bytes} format={bytesPerSecond} />
    </div>
  );
}
