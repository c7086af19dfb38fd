import classes from "./state-chip.module.css";

/**
 * healthy has no colour; warning and bad have one; unknown is hatched; off was asked for; working is under way.
 * Each has its own shape, and the word says which state it is of the noun.
 */
export type Tone = "healthy" | "warning" | "bad" | "unknown" | "off" | "working";

/** Larger is worse: lists begin with the worst. */
export const BADNESS: Record<Tone, number> = { bad: 5, warning: 4, unknown: 3, working: 2, off: 1, healthy: 0 };

const SHAPES: Record<Tone, React.ReactNode> = {
  healthy: <circle cx="6" cy="6" r="3" fill="currentColor" />,
  warning: <path d="M6 1.5 11.2 10.5H.8Z" fill="currentColor" />,
  bad: <path d="M6 .8 11.2 6 6 11.2.8 6Z" fill="currentColor" />,
  unknown: (
    <>
      <path d="M1.5 1.5h9v9h-9Z" stroke="currentColor" strokeWidth="1" fill="none" />
      <path d="m1.5 5 3.5-3.5M1.5 10.5l9-9M7 10.5 10.5 7" stroke="currentColor" strokeWidth="1" />
    </>
  ),
  off: <path d="M2 6h8" stroke="currentColor" strokeWidth="2" />,
  working: (
    <>
      <circle cx="6" cy="6" r="4" stroke="currentColor" strokeWidth="1.5" fill="none" />
      <path d="M6 2a4 4 0 0 1 0 8Z" fill="currentColor" />
    </>
  ),
};

export function Shape({ tone, size = 12 }: { tone: Tone; size?: number }) {
  return (
    <svg className={classes[tone]} width={size} height={size} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      {SHAPES[tone]}
    </svg>
  );
}

export function StateChip({ tone, word, title }: { tone: Tone; word: string; title?: string | undefined }) {
  return (
    <span className={classes.chip} title={title}>
      <Shape tone={tone} />
      <span className={classes[`${tone}Word`]}>{word}</span>
    </span>
  );
}
