import Link from "next/link";
import { BADNESS, StateChip } from "@/components/state-chip";
import type { EndpointView } from "@/lib/api/types";
import { share } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./endpoint-list.module.css";
import { shares } from "./service-draft";
import { endpointState } from "./service-state";

/** Each endpoint with what its check said, the worst first. */
export function EndpointList(props: { endpoints: readonly EndpointView[]; weights?: Record<string, number> }) {
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
            {why && <span className={classes.why}>{why}</span>}
          </li>
        );
      })}
    </ul>
  );
}
