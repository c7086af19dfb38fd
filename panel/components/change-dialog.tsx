"use client";
/**
 * Preview, then apply. Nothing is sent for good before the reader has seen what it does; where somebody else was
 * faster, both versions are shown and the reader decides.
 *
 *     const [change, setChange] = useState<Change | null>(null);
 *     …
 *     <ChangeDialog change={change} onClose={() => setChange(null)} onDone={…} />
 */
import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Tagged } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { Preview } from "@/lib/api/types";
import type { Ask } from "@/lib/change";
import { say } from "@/lib/said";
import { Dialog } from "./dialog";
import { Diff } from "./diff";
import { PreviewView } from "./difference-view";
import { fieldsOf } from "./fields";
import { Loading, ProblemNotice } from "./states";

export interface Change {
  /** "Change route wiki". */
  title: string;
  /** What the button says: "Apply", "Revoke home-1". */
  verb: string;
  /** What is said when it is done: "Route wiki is changed". */
  done: string;
  /** The ETag of what was read before the edit; null where the noun is new. */
  etag: string | null;
  /** The same request twice: first with `?preview=true`, then for good. */
  send: (ask: Ask) => Promise<unknown>;
  /** Where it was asked for already, with `etag`. */
  preview?: Preview;
  /** What is there now, to be set beside `mine` after a conflict. */
  theirs?: () => Promise<Tagged<unknown>>;
  mine?: unknown;
  /** What cannot be undone takes the name, typed; `says`: what will happen. */
  destructive?: { name: string; says: React.ReactNode };
  /** Without a preview where the endpoint has none. */
  unpreviewed?: boolean;
}

interface ChangeDialogProps {
  change: Change | null;
  onClose: () => void;
  onDone?: (answer: unknown) => void;
  /** Where theirs is kept after a conflict: what was edited is over. */
  onTheirs?: (() => void) | undefined;
}

export function ChangeDialog(props: ChangeDialogProps) {
  if (!props.change) return null;
  return <Asked key={props.change.title} {...props} change={props.change} />;
}

function Asked({ change, onClose, onDone, onTheirs }: ChangeDialogProps & { change: Change }) {
  const client = useQueryClient();
  const [etag, setEtag] = useState(change.etag);
  const [typed, setTyped] = useState("");
  const preview = useQuery({
    queryKey: ["preview", change.title, etag],
    queryFn: async () => (await change.send({ preview: true, ifMatch: etag })) as Preview,
    enabled: !change.unpreviewed,
    ...(change.preview && etag === change.etag ? { initialData: change.preview } : {}),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY, // another ETag is another question
    refetchInterval: false,
    refetchOnWindowFocus: false,
    retry: false,
  });
  const apply = useMutation({
    mutationFn: () => change.send({ preview: false, ifMatch: etag }),
    onSuccess: async (answer) => {
      // The preview is of what is done by now.
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "preview" });
      say(change.done);
      onDone?.(answer);
      onClose();
    },
  });
  const problem = apply.error ? asProblem(apply.error) : preview.error ? asProblem(preview.error) : null;
  const conflict = problem?.conflict && change.theirs ? change.theirs : null;
  const named = !change.destructive || typed === change.destructive.name;
  const ready = named && !conflict && (change.unpreviewed || preview.data !== undefined);

  return (
    <Dialog
      title={change.title}
      opened
      wide={!change.unpreviewed}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="filled"
            color={change.destructive ? "bad" : "accent"}
            disabled={!ready}
            loading={apply.isPending}
            onClick={() => apply.mutate()}
          >
            {change.verb}
          </Button>
        </>
      }
    >
      {change.destructive && <div>{change.destructive.says}</div>}
      {!change.unpreviewed && preview.isPending && <Loading what="what this would do" />}
      {preview.data && !conflict && <PreviewView preview={preview.data} />}
      {problem && <ProblemNotice problem={problem} />}
      {conflict && (
        <Conflict
          theirs={conflict}
          mine={change.mine}
          onMine={(next) => {
            apply.reset();
            setEtag(next);
          }}
          onTheirs={async () => {
            await client.invalidateQueries();
            onTheirs?.();
            onClose();
          }}
        />
      )}
      {change.destructive && (
        <TextInput
          label={`Type ${change.destructive.name} to confirm`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
      )}
    </Dialog>
  );
}

/** Both versions, and the choice between them: mine over theirs is previewed again before it is applied. */
function Conflict(props: {
  theirs: () => Promise<Tagged<unknown>>;
  mine: unknown;
  onMine: (etag: string | null) => void;
  onTheirs: () => void;
}) {
  const [now, setNow] = useState<Tagged<unknown> | null>(null);
  const { theirs } = props;
  useEffect(() => {
    let wanted = true;
    theirs().then(
      (found) => wanted && setNow(found),
      () => wanted && setNow({ value: null, etag: null }),
    );
    return () => {
      wanted = false;
    };
  }, [theirs]);
  if (!now) return <Loading what="what is there now" />;
  return (
    <section aria-label="Both versions">
      <h3>{now.value === null ? "It is not there any more" : "From theirs (−) to yours (+)"}</h3>
      <Diff fields={fieldsOf(now.value, props.mine)} />
      <div style={{ display: "flex", gap: 8, marginTop: 12 }}>
        <Button size="xs" onClick={props.onTheirs}>
          Keep theirs
        </Button>
        <Button size="xs" onClick={() => props.onMine(now.etag)}>
          Preview mine over it
        </Button>
      </div>
    </section>
  );
}
