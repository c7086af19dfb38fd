import type { Finding } from "@/lib/api/types";
import classes from "./findings.module.css";
import { Shape, type Tone } from "./state-chip";
import { sentence } from "./states";

export const FINDING_TONE: Record<Finding["severity"], Tone> = { info: "off", warning: "warning", critical: "bad" };
const ORDER = ["critical", "warning", "info"];

/** What differs from what should be, the gravest first, each with what mends it and what was seen. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  const sorted = [...findings].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
  return (
    <ul className={classes.list}>
      {sorted.map((finding) => (
        <li key={`${finding.id}/${finding.what}`}>
          <Shape tone={FINDING_TONE[finding.severity]} />
          <div>
            <p>
              <span className="out-of-sight">{finding.severity}: </span>
              {sentence(finding.what)}
            </p>
            {finding.fix && <p className="muted">{sentence(finding.fix)}</p>}
            {finding.evidence && (
              <details>
                <summary>What was seen</summary>
                <pre>{finding.evidence}</pre>
              </details>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
