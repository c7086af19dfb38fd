"use client";
import { useEffect } from "react";
import classes from "./page.module.css";

/** A page: its title (of the document too), one sentence or figures beside it, and its actions. */
export function Page(props: {
  title: string;
  lead?: React.ReactNode;
  actions?: React.ReactNode;
  children: React.ReactNode;
}) {
  useEffect(() => {
    document.title = `${props.title} · gridwire`;
  }, [props.title]);
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div className={classes.titles}>
          <h1>{props.title}</h1>
          {props.lead && <div className={classes.lead}>{props.lead}</div>}
        </div>
        {props.actions && <div className={classes.actions}>{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

export function Section(props: { title: string; aside?: React.ReactNode; children: React.ReactNode }) {
  return (
    <section className={classes.section}>
      <header className={classes.sectionHead}>
        <h2>{props.title}</h2>
        {props.aside && <div className={classes.aside}>{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** Names and values, one a line. */
export function Facts({ children }: { children: React.ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>;
}

export function Fact({ name, mono, children }: { name: string; mono?: boolean; children: React.ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : undefined}>{children}</dd>
    </div>
  );
}

/** One of a row of figures: 28/32, with its unit and what it is. */
export function Figure(props: {
  name: string;
  value: React.ReactNode;
  tone?: "plain" | "warning" | "bad" | "unknown";
  note?: React.ReactNode;
}) {
  return (
    <div className={classes.figure} data-tone={props.tone ?? "plain"}>
      <dt>{props.name}</dt>
      <dd>
        <span className={classes.value}>{props.value}</span>
        {props.note && <span className={classes.note}>{props.note}</span>}
      </dd>
    </div>
  );
}

export function Figures({ children }: { children: React.ReactNode }) {
  return <dl className={classes.figures}>{children}</dl>;
}
