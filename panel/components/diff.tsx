import type { FieldChange } from "@/lib/api/types";
import classes from "./diff.module.css";

/** Fields before and after, one line each; what was not set has no line. */
export function Diff({ fields }: { fields: readonly FieldChange[] }) {
  if (fields.length === 0) return <p className="muted">No field differs.</p>;
  return (
    <ul className={classes.diff}>
      {fields.flatMap(({ field, before, after }) => [
        before !== null && <Line key={`-${field}`} sign="−" word="before" field={field} value={before} />,
        after !== null && <Line key={`+${field}`} sign="+" word="after" field={field} value={after} />,
      ])}
    </ul>
  );
}

function Line({ sign, word, field, value }: { sign: "−" | "+"; word: string; field: string; value: string }) {
  return (
    <li data-sign={sign}>
      <span aria-hidden="true">{sign}</span>
      <span className="out-of-sight">{word}: </span>
      <span>
        {field}: {value === "" ? "none" : value}
      </span>
    </li>
  );
}
