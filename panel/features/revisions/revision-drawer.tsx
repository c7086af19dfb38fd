"use client";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Command } from "@/components/copy";
import { DifferenceView } from "@/components/difference-view";
import { Drawer } from "@/components/drawer";
import { Fact, Facts, Section } from "@/components/page";
import { Answered, sentence } from "@/components/states";
import { Time } from "@/components/time";
import type { Revision } from "@/lib/api/types";
import { count } from "@/lib/format";
import { useMayChange } from "@/lib/session-query";
import { authorText } from "./author";
import { useRevisionDifference, useRevisions } from "./queries";
import { rollback } from "./rollback";

export function RevisionDrawer(props: { number: number; newest: Revision; onClose: () => void }) {
  const { number, newest } = props;
  const revision = useRevisions().data?.find((one) => one.number === number);
  const own = useRevisionDifference(number);
  const since = useRevisionDifference(newest.number, number);
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const old = number < newest.number;
  return (
    <Drawer
      title={`Revision ${count(number)}`}
      onClose={props.onClose}
      actions={
        may &&
        old && (
          <Button size="xs" onClick={async () => setChange(await rollback(number, newest))}>
            Roll back to it…
          </Button>
        )
      }
    >
      {revision && (
        <>
          <p>{sentence(revision.reason)}</p>
          <Facts>
            <Fact name="When">
              <Time at={revision.at} />
            </Fact>
            <Fact name="By">{authorText(revision.author)}</Fact>
            <Fact name="Epoch">{count(revision.epoch)}</Fact>
          </Facts>
        </>
      )}
      <Section title="What it changed">
        <Answered query={own} what="what differs">
          {(found) => <DifferenceView difference={found.difference} />}
        </Answered>
      </Section>
      {old && (
        <Section title="What has changed since">
          <Answered query={since} what="what differs since">
            {(found) => <DifferenceView difference={found.difference} />}
          </Answered>
        </Section>
      )}
      <Command text={`gridwire revision diff ${number}`} />
      <ChangeDialog change={change} onClose={() => setChange(null)} />
    </Drawer>
  );
}
