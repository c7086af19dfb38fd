"use client";
/** What stands where content would be: loading, empty, failed. Each says what it waits for or what to do. */
import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import Link from "next/link";
import { asProblem, type Problem, unanswered } from "@/lib/api/problem";
import { absolute } from "@/lib/format";
import { useLiveState } from "@/lib/live-state";
import { paths } from "@/lib/paths";
import { Shape } from "./state-chip";
import classes from "./states.module.css";

/** `what` completes "Loading …". Rows stand still: nothing shimmers. */
export function Loading({ what, rows = 3 }: { what: string; rows?: number }) {
  return (
    <div className={classes.loading} role="status">
      <span className="out-of-sight">Loading {what}</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and never move
        <div key={index} className={classes.bar} style={{ width: `${88 - ((index * 23) % 40)}%` }} />
      ))}
    </div>
  );
}

/** Nothing there yet: what the noun is for, and how to get the first. `command` is the same in a terminal. */
export function Empty(props: { title: string; children?: React.ReactNode; action?: React.ReactNode }) {
  return (
    <div className={classes.empty}>
      <h3>{props.title}</h3>
      {props.children && <div className={classes.teach}>{props.children}</div>}
      {props.action && <div className={classes.act}>{props.action}</div>}
    </div>
  );
}

/** A refusal or failure with its next step. */
export function ProblemNotice({ problem, retry }: { problem: Problem; retry?: (() => void) | undefined }) {
  return (
    <div className={classes.problem} role="alert">
      <Shape tone={problem.offline ? "unknown" : "bad"} />
      <div>
        <p className={classes.what}>{sentence(problem.detail)}</p>
        {problem.fix && <p className={classes.fix}>{sentence(problem.fix)}</p>}
        {problem.field && <p className={classes.field}>Field: {problem.field}</p>}
      </div>
      {problem.code === "login-again" ? <LogInAgain /> : null}
      {retry && (
        <Button size="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** What opens doors for long is done only shortly after a login. */
function LogInAgain() {
  const back = typeof window === "undefined" ? "" : window.location.pathname + window.location.search;
  return (
    <Button size="xs" component={Link} href={paths.login({ back })}>
      Log in again
    </Button>
  );
}

export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?:]$/.test(first) ? first : `${first}.`;
}

/**
 * A query in all its states. What was known stays, marked with its age, when control no longer answers: it is never
 * shown as if it were new.
 */
export function Answered<T>(props: {
  query: UseQueryResult<T>;
  what: string;
  rows?: number;
  children: (value: T) => React.ReactNode;
}) {
  const { query } = props;
  // A question that nobody answers takes half a minute to fail; the stream knows sooner.
  const lost = useLiveState() === "offline";
  if (query.data === undefined) {
    if (query.error) return <ProblemNotice problem={asProblem(query.error)} retry={() => void query.refetch()} />;
    return <Loading what={props.what} rows={props.rows ?? 3} />;
  }
  return (
    <>
      {(query.error || lost) && (
        <div className={classes.aged} role="status">
          <Shape tone="unknown" />
          As of {absolute(new Date(query.dataUpdatedAt))}: {asProblem(query.error ?? unanswered()).detail}
        </div>
      )}
      {props.children(query.data)}
    </>
  );
}
