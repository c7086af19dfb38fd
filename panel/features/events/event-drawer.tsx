"use client";
import { Command, Copyable } from "@/components/copy";
import { Drawer } from "@/components/drawer";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Empty } from "@/components/states";
import { Time } from "@/components/time";
import { authorText } from "@/features/revisions/author";
import type { Event } from "@/lib/api/types";
import { count } from "@/lib/format";
import { hashAfter } from "./chain";
import { actorOf, kindText, toneOf } from "./event-state";
import { LineList } from "./line-list";

const AROUND = 8; // lines before and after

export function EventDrawer(props: { number: number; events: readonly Event[]; onClose: () => void }) {
  const at = props.events.findIndex((event) => event.number === props.number);
  const event = props.events[at];
  const before = props.events[at - 1];
  if (!event) {
    return (
      <Drawer title={`Line ${props.number}`} onClose={props.onClose}>
        <Empty title="This line is not among those that were read">
          <p>Older ones are read on the gateway.</p>
          <Command text={`gridwire events --after ${Math.max(0, props.number - 1)}`} />
        </Empty>
      </Drawer>
    );
  }
  return (
    <Drawer
      title={`Line ${count(event.number)}`}
      state={<StateChip tone={toneOf(event)} word={kindText(event.kind)} />}
      onClose={props.onClose}
    >
      <Facts>
        <Fact name="When">
          <Time at={event.at} />
        </Fact>
        <Fact name="By">
          {authorText(event.actor)}, a {actorOf(event)}
        </Fact>
        <Fact name="Of">{event.subject}</Fact>
        <Fact name="Detail">{event.detail || "none"}</Fact>
        <Fact name="Hash">
          <Copyable text={event.hash} what="the hash" />
        </Fact>
        <Fact name="Follows">
          {before
            ? hashAfter(before.hash, event) === event.hash
              ? `from line ${count(before.number)}, checked in this browser`
              : `not from line ${count(before.number)}: the chain is broken here`
            : "a line that was not read"}
        </Fact>
      </Facts>
      <Section title="Before and after">
        <LineList
          events={props.events.slice(Math.max(0, at - AROUND), at + AROUND + 1).reverse()}
          meant={event.number}
        />
      </Section>
    </Drawer>
  );
}
