"use client";
/** Keys for programs: what each may, when it ends, when it was used. */
import { Button, NumberInput, SegmentedControl, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Command } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { Form } from "@/components/form";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty, ProblemNotice } from "@/components/states";
import { Time } from "@/components/time";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { MadeToken, May } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { useNow } from "@/lib/now";
import { useAct } from "./act";
import { AddingSection } from "./adding-section";
import { endingOf } from "./expiry";
import { useTokens } from "./queries";
import classes from "./settings-page.module.css";

const SCOPES = [
  { value: "read", label: "Look" },
  { value: "change", label: "Look and change" },
];

export function TokensSection() {
  const tokens = useTokens();
  const now = useNow();
  const [made, setMade] = useState<MadeToken | null>(null);
  const remove = useAct(
    (id: string) => answer(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
    () => "That token opens nothing any more",
  );
  return (
    <AddingSection
      title="API tokens"
      button="Make one…"
      dialog="Make a token"
      may
      form={(close) => (
        <Make
          onDone={(token) => {
            close();
            setMade(token);
          }}
        />
      )}
    >
      {remove.error && <ProblemNotice problem={asProblem(remove.error)} />}
      <Answered query={tokens} what="tokens" rows={2}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No program has a token">
              <p>A token lets a program of yours ask or change, from a device of the mesh, until it ends.</p>
              <Command text="gridwire --gateway URL --token-file FILE status" />
            </Empty>
          ) : (
            <ul className={classes.list}>
              {all.map((token) => {
                const ending = now ? endingOf(token.expires, now) : null;
                return (
                  <li key={token.id}>
                    {ending && <StateChip tone={ending.tone} word={ending.word} />}
                    <b>
                      {token.operator}/{token.label}
                    </b>
                    <span className="muted">
                      may {token.scope === "change" ? "change" : "look"}, used <Time at={token.used} />
                    </span>
                    <Button size="xs" color="bad" onClick={() => remove.mutate(token.id)}>
                      Revoke
                    </Button>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Answered>
      <Dialog title="A token" opened={made !== null} onClose={() => setMade(null)}>
        <p>Shown this once. Keep it in a file that only its program can read.</p>
        <Command text={made?.secret ?? ""} what="the token" />
      </Dialog>
    </AddingSection>
  );
}

interface Wanted {
  label: string;
  scope: May;
  days: number;
}

function Make({ onDone }: { onDone: (token: MadeToken) => void }) {
  const form = useForm<Wanted>({ initialValues: { label: "", scope: "read", days: 90 } });
  const make = useAct(
    (body: Wanted) => answer(api.POST("/api/v1/tokens", { body })),
    ({ label }) => `The token ${label} is made`,
    onDone,
  );
  const problem = make.error ? asProblem(make.error) : null;
  return (
    <Form
      verb="Make"
      onSubmit={form.onSubmit((given) =>
        make.mutate(given, { onError: (error) => void fieldError(asProblem(error), form) }),
      )}
    >
      <TextInput label="What for" placeholder="backup" spellCheck={false} {...form.getInputProps("label")} />
      <SegmentedControl aria-label="What it may" data={SCOPES} {...form.getInputProps("scope")} />
      <NumberInput label="Ends after" suffix=" days" min={1} max={366} {...form.getInputProps("days")} />
      {problem && !problem.field && <ProblemNotice problem={problem} />}
    </Form>
  );
}
