import Link from "next/link";
import { drawn, HopLine } from "@/components/hop-line";
import { Section } from "@/components/page";
import { Shape, StateChip, type Tone } from "@/components/state-chip";
import { sentence } from "@/components/states";
import type { FailingRoute, Hop, Overview, Standing } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./failing.module.css";

const STANDING: Record<Standing, { tone: Tone; word: string }> = {
  failing: { tone: "bad", word: "serves nobody" },
  degraded: { tone: "warning", word: "some endpoints fail" },
  unknown: { tone: "unknown", word: "unknown" },
  serving: { tone: "healthy", word: "serving" },
};

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
          <Failed key={route.route} route={route} />
        ))}
      </ul>
    </Section>
  );
}

function Failed({ route }: { route: FailingRoute }) {
  const { tone, word } = STANDING[route.standing];
  const states = drawn(route.hops);
  const broken = route.hops[states.findIndex((state) => state !== "ok")];
  return (
    <li className={classes.route} data-tone={tone}>
      <header className={classes.head}>
        <StateChip tone={tone} word={word} />
        <Link href={paths.routes({ name: route.route })}>{route.route}</Link>
        <span className="mono muted">{route.url}</span>
      </header>
      {route.hops.length > 0 && <HopLine hops={route.hops} hrefOf={hrefOf} quiet />}
      {broken?.reason && <p className={classes.why}>{sentence(broken.reason)}</p>}
    </li>
  );
}
