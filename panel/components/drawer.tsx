"use client";
import { IconX } from "@tabler/icons-react";
import { useEffect, useId, useRef } from "react";
import classes from "./drawer.module.css";

/**
 * The detail of one row, 480 px at the right edge, beside the table and not over it: j and k walk on. It has its own
 * URL (`?name=`), Escape closes it. On a narrow screen it covers the page.
 */
export function Drawer(props: {
  title: string;
  state?: React.ReactNode;
  actions?: React.ReactNode;
  onClose: () => void;
  children: React.ReactNode;
}) {
  const heading = useId();
  const panel = useRef<HTMLElement>(null);
  const { onClose } = props;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as Element | null;
      if (event.key !== "Escape" || event.defaultPrevented) return;
      // In a form it closes a list of suggestions; what was typed goes by Cancel alone.
      if (target?.closest("[role=dialog], [role=menu], form")) return;
      onClose();
    };
    document.addEventListener("keydown", pressed);
    document.documentElement.dataset.drawer = "open";
    return () => {
      document.removeEventListener("keydown", pressed);
      delete document.documentElement.dataset.drawer;
    };
  }, [onClose]);
  return (
    <aside className={classes.drawer} aria-labelledby={heading} ref={panel}>
      <header className={classes.head}>
        <div className={classes.title}>
          <h2 id={heading}>{props.title}</h2>
          {props.state}
        </div>
        <button type="button" className={classes.close} onClick={onClose} aria-label={`Close ${props.title}`}>
          <IconX size={16} aria-hidden="true" />
        </button>
      </header>
      {props.actions && <div className={classes.actions}>{props.actions}</div>}
      <div className={classes.body}>{props.children}</div>
    </aside>
  );
}
