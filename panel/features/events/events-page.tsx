"use client";
/** The audit log: person or machine, what preceded the first error, and whether the chain is whole. */
import { useMemo } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { Page, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { Time } from "@/components/time";
import { authorText } from "@/features/revisions/author";
import type { Event } from "@/lib/api/types";
import { count } from "@/lib/format";
import { useOpened } from "@/lib/opened";
import { type Chain, checkChain } from "./chain";
import { EventDrawer } from "./event-drawer";
import { actorOf, kindText, toneOf } from "./event-state";
import { LineList } from "./line-list";
import { useEvents } from "./queries";

const WHOLE = 760; // px of the table: below, who did it stands on a second line

const columns: readonly Column<Event>[] = [
  {
    id: "at",
    head: "When",
    width: "96px",
    narrow: "76px",
    sort: (event) => -event.number,
    cell: (event) => <Time at={event.at} />,
  },
  {
    id: "kind",
    head: "What",
    width: "minmax(136px, 1.2fr)",
    sort: (event) => event.kind,
    cell: (event) => <StateChip tone={toneOf(event)} word={kindText(event.kind)} />,
  },
  {
    id: "subject",
    head: "Of",
    width: "minmax(80px, 1fr)",
    narrow: "minmax(64px, 0.6fr)",
    sort: (event) => event.subject,
    cell: (event) => <b>{event.subject}</b>,
  },
  {
    id: "actor",
    head: "By",
    width: "minmax(96px, 1fr)",
    from: WHOLE,
    sort: (event) => event.actor,
    cell: (event) => (
      <>
        {authorText(event.actor)} <span className="muted">{actorOf(event)}</span>
      </>
    ),
  },
  { id: "detail", head: "Detail", width: "minmax(0, 2.4fr)", from: WHOLE, cell: (event) => event.detail },
  {
    id: "number",
    head: "Line",
    width: "64px",
    end: true,
    from: 900,
    sort: (event) => event.number,
    cell: (event) => <span className="number">{count(event.number)}</span>,
  },
];

const brief = {
  below: WHOLE,
  line: (event: Event) => (
    <>
      by {authorText(event.actor)}, a {actorOf(event)}
      {event.detail && `: ${event.detail}`}
    </>
  ),
};

const keyOf = (event: Event) => String(event.number);
const newestFirst = (event: Event) => event.number;
const text = (event: Event) =>
  [
    event.kind,
    kindText(event.kind),
    event.subject,
    event.actor,
    authorText(event.actor),
    actorOf(event),
    event.detail,
  ].join(" ");

const PRECEDING = 5; // lines before the first error: enough to see what led to it without a click

export function EventsPage() {
  const events = useEvents();
  const { key: name, open, close } = useOpened(keyOf);
  const chain = useMemo(() => (events.data ? checkChain(events.data) : null), [events.data]);

  return (
    <Page title="Events" lead={chain && <ChainVerdict chain={chain} />}>
      <Answered query={events} what="events" rows={8}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nothing has happened yet">
              <p>
                Whatever is changed, by whom, and every refusal that matters stands here, each line bound to the last.
              </p>
            </Empty>
          ) : (
            <>
              <FirstError events={all} onOpen={open} />
              <DataTable
                brief={brief}
                label="Events"
                noun="event"
                rows={all}
                rowKey={keyOf}
                columns={columns}
                badness={newestFirst}
                text={text}
                selected={name}
                onOpen={open}
              />
            </>
          )
        }
      </Answered>
      {name && events.data && <EventDrawer key={name} number={Number(name)} events={events.data} onClose={close} />}
    </Page>
  );
}

function ChainVerdict({ chain }: { chain: Chain }) {
  if (chain.brokenAt !== null) {
    return (
      <StateChip
        tone="bad"
        word={`chain broken at line ${count(chain.brokenAt)}: it does not follow from the line before`}
      />
    );
  }
  return (
    <StateChip
      tone="healthy"
      word={`chain whole, lines ${count(chain.first)} to ${count(chain.last)}, checked in this browser`}
    />
  );
}

/** The newest run of trouble within a day, from its first line on, and what stood before it. */
function FirstError({ events, onOpen }: { events: readonly Event[]; onOpen: (event: Event) => void }) {
  const newest = events.at(-1);
  const since = newest ? Date.parse(newest.at) - 86_400_000 : 0;
  const at = events.findIndex((event) => toneOf(event) !== "healthy" && Date.parse(event.at) >= since);
  if (at < 0) return null;
  return (
    <Section title="First trouble of the last day, and what preceded it">
      <LineList events={events.slice(Math.max(0, at - PRECEDING), at + 1).reverse()} onOpen={onOpen} />
    </Section>
  );
}
