import Link from "next/link";
import { drawn, HopLine } from "@/components/hop-line";
import { Section } from "@/components/page";
import { Shape, StateChip, type Tone } from "@/components/state-chip";
import { sentence } from "@/components/states";
import { Time } from "@/components/time";
import { authorText } from "@/features/revisions/author";
import type { FailingRoute, Hop, Overview, Revision, Standing } from "@/lib/api/types";
import { plural, seconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./failing.module.css";

const STANDING: Record<Standing, { tone: Tone; word: string }> = {
  failing: { tone: "bad", word: "serves nobody" },
  degraded: { tone: "warning", word: "some endpoints fail" },
  unknown: { tone: "unknown", word: "unknown" },
  serving: { tone: "healthy", word: "serving" },
};

/** Where the gateway has no way to an endpoint nobody is served, whatever its application does. */
function standingOf({ standing, hops }: FailingRoute): { tone: Tone; word: string } {
  const first = hops.find(({ state }) => state !== "ok");
  const lost = standing === "unknown" && first !== undefined && first.kind !== "gateway" && first.reason !== "";
  return lost ? { tone: "bad", word: "not reached" } : STANDING[standing];
}

function hrefOf(hop: Hop): string | undefined {
  return hop.kind === "endpoint" ? undefined : paths.nodes({ name: hop.name });
}

/** Failing routes as hop lines, or one calm line. */
export function Failing({ overview }: { overview: Overview }) {
  const { failing, failing_count: count, routes } = overview;
  if (count === 0) {
    return (
      <p className={classes.calm}>
        <Shape tone="healthy" />
        {routes === 0
          ? "Nothing is failing: there is no route yet."
          : `${plural(routes, "route")} ${routes === 1 ? "answers" : "answer"}, none is failing.`}
      </p>
    );
  }
  return (
    <Section
      title={`Failing: ${count} of ${plural(routes, "route")}`}
      aside={count > failing.length && <Link href={paths.routes()}>All {count}</Link>}
    >
      <ul className={classes.list}>
        {failing.map((route) => (
          <Failed key={route.route} route={route} changes={overview.changes} />
        ))}
      </ul>
    </Section>
  );
}

function Failed({ route, changes }: { route: FailingRoute; changes: readonly Revision[] }) {
  const { tone, word } = standingOf(route);
  const states = drawn(route.hops);
  const broken = route.hops[states.findIndex((state) => state !== "ok")];
  return (
    <li className={classes.route} data-tone={tone}>
      <header className={classes.head}>
        <StateChip tone={tone} word={word} />
        <Link href={paths.routes({ name: route.route })}>{route.route}</Link>
        <span className="mono muted">{route.url}</span>
        {route.since && (
          <span className="muted">
            for <Time at={route.since} plain />
          </span>
        )}
      </header>
      {route.hops.length > 0 && <HopLine hops={route.hops} hrefOf={hrefOf} quiet />}
      <p className={classes.why}>
        {broken?.reason && `${sentence(broken.reason)} `}
        {route.since && <JustBefore since={route.since} changes={changes} />}
      </p>
    </li>
  );
}

/** The change that a person suspects: the last one before it began, unless that is long ago. */
function JustBefore({ since, changes }: { since: string; changes: readonly Revision[] }) {
  const found = changedBefore(since, changes);
  if (found === null) return <>Nothing was changed in the hour before.</>;
  const { change, before } = found;
  return (
    <>
      Changed {before < 1 ? "just" : seconds(Math.round(before))} before:{" "}
      <Link href={paths.revisions({ number: change.number })} prefetch={false}>
        revision {change.number}
      </Link>{" "}
      by {authorText(change.author)}: {change.reason}.
    </>
  );
}

const SUSPECT_S = 3_600;
const CLOCKS_S = 1; // between who saw it break and control

/** The last change before a moment, and how many seconds before; null where it was more than an hour. */
export function changedBefore(
  since: string,
  changes: readonly Revision[],
): { change: Revision; before: number } | null {
  const at = Date.parse(since);
  const before = ({ at: changed }: Revision) => (at - Date.parse(changed)) / 1_000;
  const change = changes.find((one) => before(one) >= -CLOCKS_S);
  if (!change || before(change) > SUSPECT_S) return null;
  return { change, before: Math.max(0, before(change)) };
}
