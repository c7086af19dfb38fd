"use client";
/** Who can log in, and what each may. */
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Command } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { Form } from "@/components/form";
import { StateChip, type Tone } from "@/components/state-chip";
import { Answered, ProblemNotice } from "@/components/states";
import { Time } from "@/components/time";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { May, Operator, OperatorLink } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { absolute } from "@/lib/format";
import { useMayChange, useSession } from "@/lib/session-query";
import { useAct } from "./act";
import { AddingSection } from "./adding-section";
import { useOperators } from "./queries";
import classes from "./settings-page.module.css";

const MAY = [
  { value: "change", label: "Look and change" },
  { value: "read", label: "Look" },
];

export function operatorState(operator: Operator, now = Date.now()): { tone: Tone; word: string } {
  if (operator.disabled) return { tone: "off", word: "disabled" };
  if (operator.locked_until && Date.parse(operator.locked_until) > now) return { tone: "warning", word: "locked" };
  if (!operator.claimed) return { tone: "working", word: "has no password yet" };
  return { tone: "healthy", word: operator.may === "change" ? "may change" : "may look" };
}

export function OperatorsSection() {
  const operators = useOperators();
  const may = useMayChange();
  const [link, setLink] = useState<OperatorLink | null>(null);
  return (
    <AddingSection
      title="Operators"
      button="Add an operator…"
      dialog="Add an operator"
      may={may}
      form={(close) => (
        <Add
          onDone={(made) => {
            close();
            setLink(made);
          }}
        />
      )}
    >
      <Answered query={operators} what="operators" rows={3}>
        {(all) => (
          <ul className={classes.list}>
            {all.map((operator) => (
              <One key={operator.name} operator={operator} may={may} onLink={setLink} />
            ))}
          </ul>
        )}
      </Answered>
      <Dialog title={`A link for ${link?.operator ?? ""}`} opened={link !== null} onClose={() => setLink(null)}>
        <p>
          Opened once, on a device of the mesh that is an operator's, it sets the password. Shown this once, good until{" "}
          {absolute(link?.expires)}.
        </p>
        {link?.urls.map((url) => (
          <Command key={url} text={url} what="the link" />
        ))}
      </Dialog>
    </AddingSection>
  );
}

function Add({ onDone }: { onDone: (link: OperatorLink) => void }) {
  const form = useForm<{ name: string; may: May }>({ initialValues: { name: "", may: "change" } });
  const add = useAct(
    (body: { name: string; may: May }) => answer(api.POST("/api/v1/operators", { body })),
    ({ name }) => `${name} can log in by the link`,
    onDone,
  );
  const problem = add.error ? asProblem(add.error) : null;
  return (
    <Form
      verb="Add"
      onSubmit={form.onSubmit((given) =>
        add.mutate(given, { onError: (error) => void fieldError(asProblem(error), form) }),
      )}
    >
      <TextInput label="Name" spellCheck={false} autoCapitalize="none" {...form.getInputProps("name")} />
      <SegmentedControl aria-label="What it may" data={MAY} {...form.getInputProps("may")} />
      {problem && !problem.field && <ProblemNotice problem={problem} />}
    </Form>
  );
}

function One(props: { operator: Operator; may: boolean; onLink: (link: OperatorLink) => void }) {
  const { operator } = props;
  const { name } = operator;
  const mine = useSession().data?.operator === name;
  const [removal, setRemoval] = useState<Change | null>(null);
  const change = useAct(
    (body: { may?: May; disabled?: boolean; unlock?: boolean }) =>
      answer(api.PATCH("/api/v1/operators/{name}", { params: { path: { name } }, body })),
    () => `${name} is changed`,
  );
  const ask = useAct(
    (forget: boolean) =>
      answer(api.POST("/api/v1/operators/{name}/link", { params: { path: { name } }, body: { forget } })),
    () => `A link for ${name} is made; the one before it opens nothing`,
    props.onLink,
  );
  const problem = change.error ?? ask.error;
  const { tone, word } = operatorState(operator);
  return (
    <li>
      <StateChip tone={tone} word={word} />
      <b>
        {name}
        {mine && <span className="muted"> (you)</span>}
      </b>
      <span className="muted">
        {operator.codes ? "codes" : "no codes"}, {operator.passkeys} passkeys, in <Time at={operator.logged_in} />
      </span>
      {props.may && (
        <span className={classes.acts}>
          {word === "locked" && (
            <Button size="xs" onClick={() => change.mutate({ unlock: true })}>
              Unlock
            </Button>
          )}
          <Button size="xs" onClick={() => ask.mutate(false)}>
            New link
          </Button>
          {!mine && (
            <>
              <Button size="xs" onClick={() => change.mutate({ may: operator.may === "change" ? "read" : "change" })}>
                {operator.may === "change" ? "Let only look" : "Let change"}
              </Button>
              <Button size="xs" onClick={() => change.mutate({ disabled: !operator.disabled })}>
                {operator.disabled ? "Enable" : "Disable"}
              </Button>
              <Button size="xs" color="bad" onClick={() => setRemoval(removing(name))}>
                Remove…
              </Button>
            </>
          )}
        </span>
      )}
      {problem && <ProblemNotice problem={asProblem(problem)} />}
      <ChangeDialog change={removal} onClose={() => setRemoval(null)} />
    </li>
  );
}

function removing(name: string): Change {
  return {
    title: `Remove ${name}`,
    verb: `Remove ${name}`,
    done: `${name} is removed`,
    etag: null,
    unpreviewed: true,
    send: () => answer(api.DELETE("/api/v1/operators/{name}", { params: { path: { name } } })),
    destructive: { name, says: "Its sessions and tokens end at once. What it did stays in the audit log." },
  };
}
