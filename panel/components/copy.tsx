"use client";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { copyText } from "@/lib/copy";
import classes from "./copy.module.css";

/** Copies `text`; `what` names it for the button's label. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<boolean | null>(null);
  useEffect(() => {
    if (done === null) return;
    const soon = setTimeout(() => setDone(null), 2_000);
    return () => clearTimeout(soon);
  }, [done]);
  return (
    <button
      type="button"
      className={classes.button}
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={async () => setDone(await copyText(text))}
    >
      {done ? <IconCheck size={14} aria-hidden="true" /> : <IconCopy size={14} aria-hidden="true" />}
      <span role="status" className={done === false ? classes.failed : "out-of-sight"}>
        {done === null ? "" : done ? "Copied" : "Select and copy it by hand"}
      </span>
    </button>
  );
}

/** An address or name with its copy button. */
export function Copyable({ text, what }: { text: string; what: string }) {
  return (
    <span className={classes.copyable}>
      <span className="mono">{text}</span>
      <CopyButton text={text} what={what} />
    </span>
  );
}

/** One command of a terminal, whole and on lines of its own. */
export function Command({ text, what = "the command" }: { text: string; what?: string }) {
  return (
    <div className={classes.command}>
      <pre>{text}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
