"use client";
/** What changed last, by whom, and whether it is safe to undo: said before anything is clicked. Then all of them. */
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { DifferenceView, PreviewView } from "@/components/difference-view";
import { Page, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty, sentence } from "@/components/states";
import { Time } from "@/components/time";
import type { Revision } from "@/lib/api/types";
import { count } from "@/lib/format";
import { useOpened } from "@/lib/opened";
import { useMayChange } from "@/lib/session-query";
import { authorText } from "./author";
import { useRevisionDifference, useRevisions, useRollbackPreview } from "./queries";
import { RevisionDrawer } from "./revision-drawer";
import classes from "./revisions-page.module.css";
import { rollback, undoVerdict } from "./rollback";

const NARROW = 480; // px of the table: below, who did it stands on a second line

const columns: readonly Column<Revision>[] = [
  {
    id: "number",
    head: "Revision",
    width: "80px",
    sort: (revision) => revision.number,
    cell: (revision) => <b className="number">{count(revision.number)}</b>,
  },
  { id: "at", head: "When", width: "96px", cell: (revision) => <Time at={revision.at} /> },
  {
    id: "author",
    head: "By",
    width: "minmax(80px, 0.8fr)",
    from: NARROW,
    sort: (revision) => revision.author,
    cell: (revision) => authorText(revision.author),
  },
  {
    id: "reason",
    head: "Why",
    width: "minmax(0, 2fr)",
    sort: (revision) => revision.reason,
    cell: (revision) => revision.reason,
  },
  {
    id: "changed",
    head: "Changed",
    width: "minmax(0, 2fr)",
    from: 800,
    cell: (revision) => <span className="muted">{revision.changed.join("; ")}</span>,
  },
];

const brief = {
  below: NARROW,
  line: (revision: Revision) => `by ${authorText(revision.author)}; ${revision.changed.join("; ")}`,
};

const keyOf = (revision: Revision) => String(revision.number);
const newestFirst = (revision: Revision) => revision.number;
const text = (revision: Revision) => [revision.number, revision.author, revision.reason, ...revision.changed].join(" ");

export function RevisionsPage() {
  const revisions = useRevisions();
  const { key: number, open, close } = useOpened(keyOf, "number");

  return (
    <Page title="Revisions" lead="every change is one, and none is ever altered">
      <Answered query={revisions} what="revisions" rows={8}>
        {(all) => {
          const newest = all[0];
          if (!newest) return <NoRevisions />;
          return (
            <>
              <LastChange newest={newest} />
              <DataTable
                brief={brief}
                label="Revisions"
                noun="revision"
                rows={all}
                rowKey={keyOf}
                columns={columns}
                badness={newestFirst}
                text={text}
                selected={number}
                onOpen={open}
              />
              {number && <RevisionDrawer key={number} number={Number(number)} newest={newest} onClose={close} />}
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

function LastChange({ newest }: { newest: Revision }) {
  const difference = useRevisionDifference(newest.number);
  const undo = useRollbackPreview(newest.number - 1, newest.number);
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  return (
    <div className={classes.last}>
      <Section
        title={`Last change: revision ${count(newest.number)}`}
        aside={
          <>
            {authorText(newest.author)}, <Time at={newest.at} />
          </>
        }
      >
        <p>{sentence(newest.reason)}</p>
        <Answered query={difference} what="what differs">
          {(found) => <DifferenceView difference={found.difference} />}
        </Answered>
      </Section>
      {newest.number > 1 && (
        <Section
          title="What undoing it would do"
          aside={
            may && (
              <Button size="xs" onClick={async () => setChange(await rollback(newest.number - 1, newest))}>
                Undo…
              </Button>
            )
          }
        >
          <Answered query={undo} what="what undoing would do">
            {(preview) => (
              <>
                <StateChip {...undoVerdict(preview)} />
                <PreviewView preview={preview} />
              </>
            )}
          </Answered>
        </Section>
      )}
      <ChangeDialog change={change} onClose={() => setChange(null)} />
    </div>
  );
}

function NoRevisions() {
  return (
    <Empty title="Nothing was changed yet">
      <p>Each change of nodes, services, routes or policies becomes a revision that can be looked at and undone.</p>
      <Command text="gridwire revision list" />
    </Empty>
  );
}
