import Link from "next/link";
import { BADNESS, StateChip } from "@/components/state-chip";
import { Time } from "@/components/time";
import type { EndpointView, Service } from "@/lib/api/types";
import { share } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./endpoint-list.module.css";
import { shares } from "./service-draft";
import { endpointState } from "./service-state";
import { checkText } from "./worst-endpoint";

/** What a trial tells of an endpoint has no time in it. */
type Shown = Omit<EndpointView, "since"> & Partial<Pick<EndpointView, "since">>;

/** Each endpoint with what its check said, the worst first. */
export function EndpointList(props: {
  endpoints: readonly Shown[];
  weights?: Record<string, number>;
  service?: Service;
}) {
  const serving = props.endpoints.filter((endpoint) => endpoint.health === "up" && !endpoint.drained);
  const part = shares(
    serving.map((endpoint) => endpoint.node),
    props.weights ?? {},
  );
  const sorted = [...props.endpoints].sort(
    (one, other) =>
      BADNESS[endpointState(other).tone] - BADNESS[endpointState(one).tone] || one.node.localeCompare(other.node),
  );
  if (sorted.length === 0) return <p className="muted">None.</p>;
  return (
    <ul className={classes.list}>
      {sorted.map((endpoint) => {
        const { tone, word, why } = endpointState(endpoint);
        return (
          <li key={endpoint.node}>
            <StateChip tone={tone} word={word} />
            <Link href={paths.nodes({ name: endpoint.node })}>{endpoint.node}</Link>
            {props.weights && part.has(endpoint.node) && (
              <span className="muted">{share(part.get(endpoint.node))}</span>
            )}
            {endpoint.since && endpoint.health !== "up" && (
              <span className="muted">
                for <Time at={endpoint.since} plain />
              </span>
            )}
            {why && (
              <span className={classes.why}>
                {endpoint.health === "down" && props.service && `${checkText(props.service)}: `}
                {why}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
