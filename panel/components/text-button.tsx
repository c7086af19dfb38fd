import classes from "./text-button.module.css";

/** A button that stands in a line of text. */
export function TextButton(props: { onClick: () => void; pressed?: boolean; children: React.ReactNode }) {
  return (
    <button type="button" className={classes.button} aria-pressed={props.pressed} onClick={props.onClick}>
      {props.children}
    </button>
  );
}
