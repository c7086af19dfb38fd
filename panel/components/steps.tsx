import { Shape, type Tone } from "./state-chip";
import classes from "./steps.module.css";

export interface Step {
  id: string;
  title: string;
  /** `wrong`: it goes no further by itself. */
  state: "done" | "now" | "later" | "wrong";
  /** Whom it waits for, where it is the one that is waited for: "waits for you", "waits for the grid". */
  waits: string;
  /** A few words below it; they may begin with a name, which stays as it is. */
  note?: string;
}

const TONE: Record<Step["state"], Tone> = { done: "healthy", now: "working", later: "off", wrong: "bad" };
const WORD: Record<Step["state"], string> = { done: "done", now: "now", later: "later", wrong: "stuck" };

/** What is done, what is under way and whom it waits for. `children`: what belongs to a step, below it. */
export function Steps(props: { label: string; steps: readonly Step[]; children?: (step: Step) => React.ReactNode }) {
  return (
    <ol className={classes.steps} aria-label={props.label}>
      {props.steps.map((step) => (
        <li key={step.id} data-state={step.state} aria-current={step.state === "now" ? "step" : undefined}>
          <span className={classes.shape}>
            <Shape tone={TONE[step.state]} />
          </span>
          <div className={classes.body}>
            <p className={classes.line}>
              <span className={classes.title}>{step.title}</span>
              <span className={classes.waits}>{step.waits || WORD[step.state]}</span>
            </p>
            {step.note && <p className={classes.note}>{step.note}</p>}
            {props.children?.(step)}
          </div>
        </li>
      ))}
    </ol>
  );
}
