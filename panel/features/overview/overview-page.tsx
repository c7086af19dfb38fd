"use client";
/** Are users failing now, at which hop, what changed just before? Answered without a click. */
import Link from "next/link";
import { Figure, Figures, Page, Section } from "@/components/page";
import { PERIMETER } from "@/components/shell/strip";
import { Shape, StateChip, type Tone } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Time } from "@/components/time";
import { authorText } from "@/features/revisions/author";
import type { Attention, Overview, PerimeterVerdict } from "@/lib/api/types";
import { milliseconds, perSecond, plural, share } from "@/lib/format";
import { useNow } from "@/lib/now";
import { paths } from "@/lib/paths";
import { Failing } from "./failing";
import { FirstSteps } from "./first-steps";
import { Graph } from "./graph";
import classes from "./overview-page.module.css";
import { useOverview, useTopology, useTrafficNow } from "./queries";

export function OverviewPage() {
  const overview = useOverview();
  useTopology(); // asked for at once, and not when the overview has come
  return (
    <Page title="Overview" lead={overview.data && <Verdict perimeter={overview.data.perimeter} />}>
      <Answered query={overview} what="the grid" rows={6}>
        {(now) =>
          now.routes === 0 && now.nodes_known <= 1 ? (
            <FirstSteps suffix={now.suffix} />
          ) : (
            <>
              {/* Who reads this has a device on the mesh, so the gateway is seldom alone. */}
              {now.routes === 0 ? <FirstSteps suffix={now.suffix} /> : <Failing overview={now} />}
              <FourFigures now={now} />
              <Whole />
              <div className={classes.two}>
                <NeedsAttention items={now.attention} count={now.attention_count} />
                <LastChanges changes={now.changes} />
              </div>
            </>
          )
        }
      </Answered>
    </Page>
  );
}

function Verdict({ perimeter }: { perimeter: PerimeterVerdict }) {
  return (
    <Link href={paths.perimeter()} className={classes.verdict}>
      <Shape tone={PERIMETER[perimeter.state].tone} />
      <span>
        {PERIMETER[perimeter.state].word}: {perimeter.say}
      </span>
    </Link>
  );
}

const OLD_MS = 10_000; // of figures that come once a second

function FourFigures({ now }: { now: Overview }) {
  const heard = useTrafficNow();
  const clock = useNow();
  // What a gateway said some time ago is no figure of now.
  const figures = heard && clock - Date.parse(heard.at) < OLD_MS ? heard.totals : null;
  const errors = figures && figures.requests > 0 ? figures.errors / figures.requests : figures ? 0 : null;
  const down = now.nodes_known - now.nodes_up - now.nodes_unknown;
  return (
    <Figures>
      <Figure
        name="Requests"
        value={perSecond(figures?.requests)}
        tone={figures ? "plain" : "unknown"}
        note={figures ? "in the last second" : "no gateway tells"}
      />
      <Figure
        name="Errors"
        value={share(errors)}
        tone={errors === null ? "unknown" : errors >= 0.05 ? "bad" : errors >= 0.01 ? "warning" : "plain"}
        note="answered 5xx"
      />
      <Figure
        name="p99"
        value={milliseconds(figures?.p99)}
        tone={figures?.p99 == null ? "unknown" : "plain"}
        note="until the last byte"
      />
      <Figure
        name="Nodes up"
        value={`${now.nodes_up} of ${now.nodes_known}`}
        tone={down > 0 ? "bad" : now.nodes_unknown > 0 ? "unknown" : "plain"}
        note={
          [down > 0 && `${down} down`, now.nodes_unknown > 0 && `${now.nodes_unknown} unknown`]
            .filter(Boolean)
            .join(", ") || "whose tunnel should stand"
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
function whereOf({ need, subject }: Attention): string {
  return need === "unserved" ? paths.routes({ name: subject }) : paths.nodes({ name: subject });
}

function NeedsAttention({ items, count }: { items: readonly Attention[]; count: number }) {
  return (
    <Section title="Needs attention" aside={count > items.length && `the first ${items.length} of ${count}`}>
      {items.length === 0 ? (
        <p className={classes.calm}>
          <Shape tone="healthy" /> Nothing does.
        </p>
      ) : (
        <ul className={classes.list}>
          {items.map((item) => (
            <li key={`${item.need}/${item.subject}/${item.what}`} className={classes.attention}>
              <StateChip tone={TONE[item.severity]} word="" />
              <div>
                <p>
                  <span className="out-of-sight">{item.severity}: </span>
                  <Link href={whereOf(item)} prefetch={false}>
                    {item.subject}
                  </Link>
                  {item.others > 0 && ` and ${plural(item.others, "other")}`}: {item.what}
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
            <span className={classes.author}>{authorText(change.author)}</span>
            <span className={classes.when}>
              <Time at={change.at} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
