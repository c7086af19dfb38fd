"use client";
/** What went through one node: as a gateway counts what it answers, and what it asks of an edge. */
import { SegmentedControl } from "@mantine/core";
import Link from "next/link";
import { useMemo, useState } from "react";
import { Command } from "@/components/copy";
import { Series } from "@/components/series";
import { Answered } from "@/components/states";
import { drawn } from "@/features/traffic/figures";
import { SPANS, useTraffic } from "@/features/traffic/queries";
import type { Node, TrafficSeries } from "@/lib/api/types";
import { bytesPerSecond, milliseconds, perSecond, share } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./node-facts.module.css";

export function NodeTraffic({ node }: { node: Node }) {
  const of = node.role === "gateway" ? "gateway" : "node";
  const [id, setId] = useState(SPANS[0]?.id ?? "");
  const span = SPANS.find((each) => each.id === id) ?? SPANS[0];
  if (node.role === "client" || node.role === "operator") {
    return (
      <p className="muted">Requests are counted by route and by the edge that answers, not by the device that asks.</p>
    );
  }
  return (
    <>
      <div className={classes.spans}>
        <SegmentedControl
          aria-label="Time"
          data={SPANS.map((each) => ({ value: each.id, label: each.word }))}
          value={id}
          onChange={setId}
        />
      </div>
      {span && <Charts of={of} name={node.name} span={span} />}
      <p>
        <Link href={paths.traffic({ of, name: node.name })}>Beside all others</Link>
      </p>
      <Command text={`gridwire traffic ${node.name} --of ${of}`} />
    </>
  );
}

function Charts(props: { of: "gateway" | "node"; name: string; span: (typeof SPANS)[number] }) {
  const series = useTraffic(props.of, props.name, props.span);
  return (
    <Answered query={series} what="its traffic" rows={6}>
      {(found) => <Drawn series={found} />}
    </Answered>
  );
}

function Drawn({ series }: { series: TrafficSeries }) {
  const { times, requests, errors, latency, bytes } = useMemo(() => drawn(series), [series]);
  if (times.length === 0) return <p className="muted">No requests in this time.</p>;
  return (
    <div className={classes.pair}>
      <Series label="Requests a second" times={times} lines={requests} format={perSecond} />
      <Series label="Share of errors" times={times} lines={errors} format={share} />
      <Series label="Latency" times={times} lines={latency} format={milliseconds} />
      <Series label="Bytes a second" times={times} lines={bytes} format={bytesPerSecond} />
    </div>
  );
}
