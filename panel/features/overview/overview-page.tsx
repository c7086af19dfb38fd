"use client";
/** Are users failing now, at which hop, what changed just before? Answered without a click. */
import Link from "next/link";
import { Figure, Figures, Page, Section } from "@/components/page";
import { Shape, StateChip, type Tone } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Time } from "@/components/time";
import type { Attention, Overview } from "@/lib/api/types";
import { milliseconds, perSecond, plural, share } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Failing } from "./failing";
import { FirstSteps } from "./first-steps";
import { Graph } from "./graph";
import classes from "./overview-page.module.css";
import { useOverview, useTopology } from "./queries";

export function OverviewPage() {
  const overview = useOverview();
  return (
    <Page title="Overview" lead={overview.data && <Verdict perimeter={overview.data.perimeter} />}>
      <Answered query={overview} what="the grid" rows={6}>
        {(now) =>
          now.routes === 0 && now.nodes.total <= 1 ? (
            <FirstSteps suffix={now.suffix} />
          ) : (
            <>
              <Failing overview={now} />
              <FourFigures now={now} />
              <Whole />
              <div className={classes.two}>
                <NeedsAttention items={now.attention} />
                <LastChanges changes={now.changes} />
              </div>
            </>
          )
        }
      </Answered>
    </Page>
  );
}

const VERDICT: Record<Overview["perimeter"]["verdict"], Tone> = { closed: "healthy", open: "bad", unknown: "unknown" };

function Verdict({ perimeter }: { perimeter: Overview["perimeter"] }) {
  return (
    <Link href={paths.perimeter()} className={classes.verdict}>
      <Shape tone={VERDICT[perimeter.verdict]} />
      <span>
        Perimeter {perimeter.verdict}: {plural(perimeter.public_sockets, "public socket")},{" "}
        {plural(perimeter.findings, "finding")},{" "}
        {perimeter.proved_at ? (
          <>
            proved <Time at={perimeter.proved_at} />
          </>
        ) : (
          "not proved yet"
        )}
      </span>
    </Link>
  );
}

function FourFigures({ now }: { now: Overview }) {
  const { traffic, nodes } = now;
  const errors = traffic?.error_share ?? 0;
  return (
    <Figures>
      <Figure
        name="Requests"
        value={perSecond(traffic?.requests_per_second)}
        tone={traffic ? "plain" : "unknown"}
        note={traffic ? "in the last minute" : "no gateway tells yet"}
      />
      <Figure
        name="Errors"
        value={share(traffic?.error_share)}
        tone={!traffic ? "unknown" : errors >= 0.05 ? "bad" : errors >= 0.01 ? "warning" : "plain"}
        note="answered 5xx, or not at all"
      />
      <Figure
        name="p99"
        value={milliseconds(traffic?.p99_ms)}
        tone={traffic ? "plain" : "unknown"}
        note="until the last byte"
      />
      <Figure
        name="Nodes up"
        value={`${nodes.up} of ${nodes.total}`}
        tone={nodes.down > 0 ? "bad" : nodes.unknown > 0 ? "unknown" : "plain"}
        note={
          [nodes.down && `${nodes.down} down`, nodes.unknown && `${nodes.unknown} unknown`]
            .filter(Boolean)
            .join(", ") || "gateways and edges"
        }
      />
    </Figures>
  );
}

function Whole() {
  const topology = useTopology();
  return (
    <Section title="The grid">
      <Answered query={topology} what="the graph" rows={4}>
        {(value) => <Graph topology={value} />}
      </Answered>
    </Section>
  );
}

const TONE: Record<Attention["severity"], Tone> = { info: "working", warning: "warning", critical: "bad" };
const WHERE: Record<Attention["noun"], (name: string) => string> = {
  node: (name) => paths.nodes({ name }),
  service: (name) => paths.services({ name }),
  route: (name) => paths.routes({ name }),
  invitation: (name) => paths.nodes({ name }),
  perimeter: (name) => paths.perimeter({ name }),
  certificate: () => paths.settings({ show: "certificates" }),
  backup: () => paths.settings({ show: "backups" }),
};

function NeedsAttention({ items }: { items: readonly Attention[] }) {
  return (
    <Section title="Needs attention">
      {items.length === 0 ? (
        <p className={classes.calm}>
          <Shape tone="healthy" /> Nothing does.
        </p>
      ) : (
        <ul className={classes.list}>
          {items.map((item) => (
            <li key={`${item.noun}/${item.name}/${item.what}`} className={classes.attention}>
              <StateChip tone={TONE[item.severity]} word="" />
              <div>
                <p>
                  <span className="out-of-sight">{item.severity}: </span>
                  <Link href={WHERE[item.noun](item.name)} prefetch={false}>
                    {item.name}
                  </Link>
                  : {item.what}
                </p>
                {item.fix && <p className={classes.fix}>{sentence(item.fix)}</p>}
              </div>
              <span className={classes.when}>
                <Time at={item.since} never="" />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function LastChanges({ changes }: { changes: Overview["changes"] }) {
  return (
    <Section title="Last changes" aside={<Link href={paths.revisions()}>All revisions</Link>}>
      <ul className={classes.list}>
        {changes.map((change) => (
          <li key={change.number} className={classes.change}>
            <Link href={paths.revisions({ number: change.number })} prefetch={false} className="number">
              {change.number}
            </Link>
            <span className={classes.reason} title={change.reason}>
              {change.reason}
            </span>
            <span className={classes.author}>{change.author}</span>
            <span className={classes.when}>
              <Time at={change.at} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
