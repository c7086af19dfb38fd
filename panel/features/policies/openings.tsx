import Link from "next/link";
import { crowdText } from "@/components/crowd";
import { Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import type { Policy, RouteOutcome, Selector } from "@/lib/api/types";
import { count } from "@/lib/format";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import classes from "./openings.module.css";

const MOST = 24;

/** Each route with who can open it, who is refused, and by what; those that refuse somebody first. */
export function Openings({ routes, policies }: { routes: readonly RouteOutcome[]; policies: readonly Policy[] }) {
  if (routes.length === 0) return null;
  const sorted = [...routes].sort(
    (one, other) => other.cannot.count - one.cannot.count || one.route.name.localeCompare(other.route.name),
  );
  return (
    <Section
      title="Who can open what, and who is refused"
      aside={routes.length > MOST && <Link href={paths.routes()}>All {count(routes.length)}</Link>}
    >
      <ul className={classes.list}>
        {sorted.slice(0, MOST).map((outcome) => {
          const { route, url, can, cannot } = outcome;
          return (
            <li key={route.name}>
              <Link href={paths.routes({ name: route.name })}>{url.replace(/^https?:\/\//, "")}</Link>
              <span>
                {can.count === 0 ? (
                  <StateChip tone="off" word="opened by nobody" />
                ) : (
                  <>
                    opened by <b>{crowdText(can)}</b>
                  </>
                )}
              </span>
              <span className={classes.why}>
                {cannot.count > 0 ? (
                  <>
                    <b>{crowdText(cannot)}</b> {cannot.count === 1 ? "is" : "are"} refused: it allows{" "}
                    {allowText(route.allow, policies)}
                  </>
                ) : (
                  `it allows ${allowText(route.allow, policies)}`
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

/** What a route allows, with what a policy of it names: "role:client and tag:owner=ann (by policy family)". */
function allowText(allow: readonly Selector[], policies: readonly Policy[]): string {
  const parts = allow.map((selector) => {
    if (selector.kind !== "policy") return selectorText(selector);
    const named = policies.find(({ name }) => name === selector.value);
    const whom = named === undefined ? "what it names" : named.allow.map(selectorText).join(", ") || "nobody";
    return `${whom} (by policy ${selector.value})`;
  });
  const last = parts.pop();
  if (last === undefined) return "nobody";
  return parts.length > 0 ? `${parts.join(", ")} and ${last}` : last;
}
