"use client";
import { IconSearch, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import classes from "./filter-field.module.css";

/** A page's filter: `/` comes here (`lib/keyboard.ts`), Escape empties it and leaves. */
export function FilterField(props: { label: string; value: string; onChange: (value: string) => void }) {
  // What is typed is shown at once; the URL, and with it the rows, may follow a frame later.
  const [typed, setTyped] = useState(props.value);
  const input = useRef<HTMLInputElement>(null);
  // From elsewhere, as by the back button. While somebody types, what comes is what they typed a moment ago.
  useEffect(() => {
    if (document.activeElement !== input.current) setTyped(props.value);
  }, [props.value]);
  const change = (value: string) => {
    setTyped(value);
    props.onChange(value);
  };
  return (
    <div className={classes.field}>
      <IconSearch size={14} aria-hidden="true" />
      <input
        ref={input}
        type="text"
        role="searchbox"
        data-filter
        aria-label={props.label}
        placeholder={props.label}
        value={typed}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          change("");
          event.currentTarget.blur();
        }}
      />
      {typed ? (
        <button type="button" aria-label="Empty the filter" onClick={() => change("")}>
          <IconX size={14} aria-hidden="true" />
        </button>
      ) : (
        <kbd>/</kbd>
      )}
    </div>
  );
}
