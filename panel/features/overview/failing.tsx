import Link from "next/link";
import { HopLine } from "@/components/hop-line";
import { Section } from "@/components/page";
import { Shape } from "@/components/state-chip";
import { sentence } from "@/components/states";
import { Time } from "@/components/time";
import type { FailingRoute, Hop, Overview, RevisionLine } from "@/lib/api/types";
import { plural, seconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./failing.module.css";

const JUST_BEFORE_S = 600; // a change that broke something did it within the check's fall time; people notice later

/** The change that came last before it began, where that was lately. */
export function suspect(route: FailingRoute, changes: readonly RevisionLine[]): RevisionLine | undefined {
  if (!route.since) return undefined;
  const began = Date.parse(route.since);
  return changes.find(({ at }) => {
    const before = (began - Date.parse(at)) / 1_000;
    return before >= 0 && before <= JUST_BEFORE_S;
  });
}

function hrefOf(hop: Hop): string | undefined {
  if (hop.kind === "service") return paths.services({ name: hop.name });
  if (hop.kind === "policy") return paths.policies({ name: hop.name });
  return hop.kind === "endpoint" ? undefined : paths.nodes({ name: hop.name });
}

/** Failing routes as hop lines, or one calm line. */
export function Failing({ overview }: { overview: Overview }) {
  const { failing, changes, routes } = overview;
  if (failing.length === 0) {
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
    <Section title={`${plural(failing.length, "route")} of ${routes} failing`}>
      <ul className={classes.list}>
        {failing.map((route) => {
          const change = suspect(route, changes);
          return (
            <li key={route.route} className={classes.route}>
              <header className={classes.head}>
                <Shape tone="bad" />
                <Link href={paths.routes({ name: route.route })}>{route.route}</Link>
                <span className="mono muted">{route.url}</span>
                <span className={classes.since}>
                  for <Since at={route.since} />
                </span>
              </header>
              <HopLine hops={route.hops} hrefOf={hrefOf} quiet />
              <div className={classes.why}>
                <p>{sentence(route.reason)}</p>
                {route.fix && <p className="muted">{sentence(route.fix)}</p>}
                {change && route.since && (
                  <p className="muted">
                    Just before: <Link href={paths.revisions({ number: change.number })}>revision {change.number}</Link>{" "}
                    by {change.author}, {seconds((Date.parse(route.since) - Date.parse(change.at)) / 1_000)} earlier:{" "}
                    {change.reason}
                  </p>
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Since({ at }: { at: string | null }) {
  return <Time at={at} never="an unknown time" plain />;
}
