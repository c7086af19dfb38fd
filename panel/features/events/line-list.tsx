import { StateChip } from "@/components/state-chip";
import { TextButton } from "@/components/text-button";
import { Time } from "@/components/time";
import { authorText } from "@/features/revisions/author";
import type { Event } from "@/lib/api/types";
import { actorOf, kindText, toneOf } from "./event-state";
import classes from "./line-list.module.css";

/** A few lines of the log, in the order given; the one that is meant stands out. */
export function LineList(props: { events: readonly Event[]; meant?: number; onOpen?: (event: Event) => void }) {
  return (
    <ol className={classes.list}>
      {props.events.map((event) => (
        <li key={event.number} data-meant={event.number === props.meant || undefined}>
          <Time at={event.at} />
          <StateChip tone={toneOf(event)} word={kindText(event.kind)} />
          {props.onOpen ? (
            <TextButton onClick={() => props.onOpen?.(event)}>{event.subject || "the grid"}</TextButton>
          ) : (
            <b>{event.subject}</b>
          )}
          <span className="muted">
            {authorText(event.actor)}, a {actorOf(event)}
          </span>
          <span className={classes.detail}>{event.detail}</span>
        </li>
      ))}
    </ol>
  );
}
