import type { Hop } from "@/lib/api/types";
import classes from "./hop-line.module.css";

type Drawn = "ok" | "broken" | "unknown";

/** Behind the first bad segment nothing is known, whatever was last heard of it. */
export function drawn(hops: readonly Hop[]): Drawn[] {
  const first = hops.findIndex((hop) => hop.state !== "ok");
  return hops.map((hop, index) => (first === -1 || index < first ? "ok" : index === first ? hop.state : "unknown"));
}

const WORDS: Record<Drawn, string> = { ok: "reached", broken: "broken here", unknown: "unknown" };

/**
 * A request's way, `phone ─ gateway ─ home-1 ─ :2283`: the first bad segment is broken, what follows is hatched.
 * `small`: for a row of a table. A hop may lead to its own page by `hrefOf`.
 */
export function HopLine(props: {
  hops: readonly Hop[];
  small?: boolean;
  /** Without the sentence below: what stands around it says why. */
  quiet?: boolean;
  hrefOf?: (hop: Hop) => string | undefined;
}) {
  const states = drawn(props.hops);
  const broken = props.hops[states.findIndex((state) => state !== "ok")];
  return (
    <div className={classes.frame}>
      <ol className={classes.line} data-small={props.small || undefined}>
        {props.hops.map((hop, index) => {
          const state = states[index] ?? "unknown";
          const href = props.hrefOf?.(hop);
          return (
            <li key={`${hop.kind}/${hop.name}`} className={classes.hop} data-state={state}>
              {index > 0 && <Segment state={state} />}
              <span className={classes.station} title={hop.reason || undefined}>
                <svg width="8" height="8" viewBox="0 0 8 8" aria-hidden="true" focusable="false">
                  <path d="M.75.75h6.5v6.5H.75Z" stroke="currentColor" strokeWidth="1.5" fill="none" />
                </svg>
                {href ? <a href={href}>{hop.name}</a> : <span>{hop.name}</span>}
                <span className="out-of-sight">
                  {hop.kind}, {WORDS[state]}
                  {hop.reason && `: ${hop.reason}`}
                </span>
              </span>
            </li>
          );
        })}
      </ol>
      {broken?.reason && !props.small && !props.quiet && <p className={classes.why}>{broken.reason}</p>}
    </div>
  );
}

function Segment({ state }: { state: Drawn }) {
  return (
    <span className={classes.segment} data-state={state} aria-hidden="true">
      {state === "broken" && (
        <svg width="14" height="12" viewBox="0 0 14 12" focusable="false">
          <path d="m4 10.5 2-9M8 10.5l2-9" stroke="currentColor" strokeWidth="1.5" />
        </svg>
      )}
    </span>
  );
}
