"use client";
/** One noun of a list: what it is, or its form (`?show=edit`), and its removal. */
import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { Tagged } from "@/lib/api/client";
import type { Ask } from "@/lib/change";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { type Change, ChangeDialog } from "./change-dialog";
import { Drawer } from "./drawer";
import { Edited } from "./edited";
import type { NounFormProps } from "./noun-form";
import { StateChip, type Tone } from "./state-chip";
import { Answered } from "./states";

export function NounDrawer<Noun extends { name: string }>(props: {
  noun: string;
  name: string;
  stated?: { tone: Tone; word: string } | undefined;
  query: UseQueryResult<Tagged<Noun>>;
  reread: (name: string) => Promise<Tagged<Noun>>;
  remove: (name: string, ask: Ask) => Promise<unknown>;
  /** What comes of a removal. */
  removal: string;
  /** Buttons of its own. */
  actions?: React.ReactNode;
  form: (given: NounFormProps<Noun>) => React.ReactNode;
  onClose: () => void;
  children: (value: Noun) => React.ReactNode;
}) {
  const { noun, name, stated, query } = props;
  const url = useUrlState();
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const editing = may && url.get("show") === "edit";
  const end = () => url.set({ show: null });

  const removing = ({ value, etag }: Tagged<Noun>): Change => ({
    title: `Remove ${noun} ${name}`,
    verb: `Remove ${name}`,
    done: `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${name} is removed`,
    etag,
    send: (ask) => props.remove(name, ask),
    theirs: () => props.reread(name),
    mine: value,
    destructive: { name, says: props.removal },
  });
  return (
    <Drawer
      title={name}
      state={stated && <StateChip tone={stated.tone} word={stated.word} />}
      onClose={props.onClose}
      actions={
        may &&
        !editing &&
        query.data && (
          <>
            <Button size="xs" onClick={() => url.set({ show: "edit" }, { push: true })}>
              Edit…
            </Button>
            {props.actions}
            <Button size="xs" color="bad" onClick={() => query.data && setChange(removing(query.data))}>
              Remove…
            </Button>
          </>
        )
      }
    >
      <Answered query={query} what={name} rows={8}>
        {(read) =>
          editing ? (
            <Edited read={read} settled={!query.isFetching}>
              {(began) => props.form({ read: began, onDone: end, onCancel: end })}
            </Edited>
          ) : (
            props.children(read.value)
          )
        }
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={props.onClose} />
    </Drawer>
  );
}
