import Link from "next/link";
import { StateChip } from "@/components/state-chip";
import { Time } from "@/components/time";
import type { TrafficRanked, TrafficSeries } from "@/lib/api/types";
import { plural, share } from "@/lib/format";
import { paths } from "@/lib/paths";
import { type Blamed, blamed, errorSpell } from "./figures";
import classes from "./traffic-page.module.css";

const MOST = 6; // services; the list below has the rest
const NAMED = 4; // endpoints of a service

/** Errors where, since when, one endpoint or all. `ranked`: the endpoints of the same time. */
export function ErrorsWhere(props: { series: TrafficSeries; ranked: readonly TrafficRanked[] }) {
  const spell = errorSpell(props.series);
  const found = blamed(props.ranked);
  if (!spell && found.length === 0) return <StateChip tone="healthy" word="no errors in this time" />;
  return (
    <div className={classes.where}>
      {spell && (
        <p>
          <StateChip tone={spell.now ? "bad" : "off"} word={spell.now ? "errors go on" : "errors have ended"} />, since{" "}
          <Time at={spell.from} />, the last <Time at={spell.to} />
        </p>
      )}
      <ul>
        {found.slice(0, MOST).map((one) => (
          <li key={one.service}>
            <Link href={paths.services({ name: one.service })}>{one.service}</Link> {blameText(one)}
          </li>
        ))}
      </ul>
      {found.length > MOST && <p className="muted">And {plural(found.length - MOST, "service")} more.</p>}
    </div>
  );
}

/** "at 1 of 3 endpoints: nas 34 %, by the application". */
export function blameText({ asked, bad, unasked }: Blamed): string {
  const parts = [];
  if (bad.length > 0) {
    const whole = bad.length === asked;
    const of = whole
      ? asked === 1
        ? "its only endpoint"
        : `all ${asked} endpoints`
      : `${bad.length} of ${asked} endpoints`;
    const named = bad.slice(0, NAMED).map(({ node, share: part, whose }) => `${node} ${share(part)}, by ${whose}`);
    const rest = bad.length - named.length;
    parts.push(`at ${of}: ${named.join("; ")}${rest > 0 ? `; and ${plural(rest, "other")}` : ""}`);
  }
  if (unasked > 0) parts.push(`${plural(unasked, "request")} found no endpoint to ask`);
  return parts.join("; ");
}
