"use client";
/**
 * Something that is shown once: a token, a configuration with its key. It is kept by nobody, so it says so. It stands
 * in no address and no storage; who leaves the page has to make another.
 */
import dynamic from "next/dynamic";
import { useId, useState } from "react";
import { CopyButton } from "./copy";
import classes from "./secret.module.css";
import { TextButton } from "./text-button";

const QrCode = dynamic(() => import("./qr").then(({ QrCode }) => QrCode), { ssr: false });

export function Secret(props: {
  text: string;
  /** "the token" */
  what: string;
  note: React.ReactNode;
  /** Show the code at once, and the text only when it is asked for: for what a camera reads. */
  codeFirst?: boolean;
  actions?: React.ReactNode;
}) {
  const [code, setCode] = useState(props.codeFirst ?? false);
  const [text, setText] = useState(!props.codeFirst);
  const heading = useId();
  return (
    <section className={classes.secret} aria-labelledby={heading}>
      <header>
        <h3 id={heading}>Shown once</h3>
        <p className="muted">{props.note}</p>
      </header>
      {code && <QrCode text={props.text} what={`A QR code of ${props.what}`} />}
      {text && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be in reach of the keyboard
        <pre tabIndex={0} aria-label={props.what}>
          {props.text}
        </pre>
      )}
      <div className={classes.actions}>
        <span className={classes.copy}>
          <CopyButton text={props.text} what={props.what} /> <span aria-hidden="true">Copy {props.what}</span>
        </span>
        {props.actions}
        <TextButton pressed={code} onClick={() => setCode(!code)}>
          {code ? "Hide the QR code" : "As a QR code"}
        </TextButton>
        {props.codeFirst && (
          <TextButton pressed={text} onClick={() => setText(!text)}>
            {text ? "Hide the text" : "As text"}
          </TextButton>
        )}
      </div>
    </section>
  );
}
