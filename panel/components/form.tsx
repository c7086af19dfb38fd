import { Button } from "@mantine/core";
import classes from "./form.module.css";

/** Fields one below the other, and what is done with them at the end. */
export function Form(props: {
  onSubmit: () => void;
  verb: string;
  onCancel?: (() => void) | undefined;
  children: React.ReactNode;
}) {
  return (
    <form
      className={classes.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        props.onSubmit();
      }}
    >
      {props.children}
      <div className={classes.end}>
        {props.onCancel && <Button onClick={props.onCancel}>Cancel</Button>}
        <Button type="submit" variant="filled">
          {props.verb}
        </Button>
      </div>
    </form>
  );
}

/** Two short fields in one line. */
export function Pair({ children }: { children: React.ReactNode }) {
  return <div className={classes.pair}>{children}</div>;
}

/** What few people change, folded away. */
export function More({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <details className={classes.more}>
      <summary>{title}</summary>
      <div className={classes.form}>{children}</div>
    </details>
  );
}
