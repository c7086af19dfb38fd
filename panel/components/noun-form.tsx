"use client";
/**
 * A form that makes or changes one noun: what control refuses stands at its field, what it would do is previewed, then
 * it is applied. The fields are the children's.
 */
import type { UseFormReturnType } from "@mantine/form";
import { useState } from "react";
import type { Tagged } from "@/lib/api/client";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Preview } from "@/lib/api/types";
import type { Ask } from "@/lib/change";
import { fieldError } from "@/lib/form";
import { type Change, ChangeDialog } from "./change-dialog";
import { Form } from "./form";
import { ProblemNotice } from "./states";

export interface NounFormProps<Noun> {
  /** The one that is changed, as it was read; null for a new one. */
  read: Tagged<Noun> | null;
  onDone: (name: string) => void;
  onCancel?: () => void;
}

export function NounForm<Draft extends object, Noun extends { name: string }>(
  props: NounFormProps<Noun> & {
    noun: string;
    /** What is done with a new one, and what it is then: "Publish", "is published". */
    verb?: string;
    done?: string;
    form: UseFormReturnType<Draft>;
    nounOf: (draft: Draft) => Noun;
    send: (noun: Noun, ask: Ask) => Promise<unknown>;
    reread: (name: string) => Promise<Tagged<Noun>>;
    /** Control's fields that the form has under other names. */
    fields?: Record<string, string>;
    children: React.ReactNode;
  },
) {
  const { noun, read, form, nounOf, send, reread } = props;
  const { verb = "Add", done = "is there" } = props;
  const [change, setChange] = useState<Change | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const submit = form.onSubmit(async (draft) => {
    const wanted = nounOf(draft);
    const { name } = wanted;
    const etag = read?.etag ?? null;
    const asked: Change = {
      title: read ? `Change ${noun} ${name}` : `${verb} ${noun} ${name}`,
      verb: read ? "Apply" : verb,
      done: `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${name} ${read ? "is changed" : done}`,
      etag,
      send: (ask) => send(wanted, ask),
      theirs: () => reread(name),
      mine: wanted,
    };
    setProblem(null);
    try {
      setChange({ ...asked, preview: (await asked.send({ preview: true, ifMatch: etag })) as Preview });
    } catch (error) {
      const found = asProblem(error);
      // The dialog asks again, and sets both versions beside each other.
      if (found.conflict) setChange(asked);
      else if (!fieldError(found, form, props.fields)) setProblem(found);
    }
  });
  return (
    <>
      <Form onSubmit={submit} verb="Preview…" onCancel={props.onCancel}>
        {props.children}
        {problem && <ProblemNotice problem={problem} />}
      </Form>
      <ChangeDialog
        change={change}
        onClose={() => setChange(null)}
        onDone={() => props.onDone(nounOf(form.getValues()).name)}
        onTheirs={read ? props.onCancel : undefined}
      />
    </>
  );
}
