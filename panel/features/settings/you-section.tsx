"use client";
/** The person who is logged in: password, second factors, where else. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Command, Copyable } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { Form } from "@/components/form";
import { Fact, Facts, Section } from "@/components/page";
import { QrCode } from "@/components/qr";
import { Answered, ProblemNotice } from "@/components/states";
import { Time } from "@/components/time";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { CodesBegun } from "@/lib/api/types";
import { useSession } from "@/lib/session-query";
import { useAct } from "./act";
import { PasskeysSection } from "./passkeys-section";
import { useOperators, useSessions } from "./queries";
import classes from "./settings-page.module.css";

export function YouSection() {
  const session = useSession();
  const operators = useOperators();
  const me = operators.data?.find(({ name }) => name === session.data?.operator);
  return (
    <>
      <Section title="You">
        <Answered query={session} what="who you are">
          {(found) => (
            <Facts>
              <Fact name="Name">{found.operator}</Fact>
              <Fact name="May">{found.may === "change" ? "look and change" : "look"}</Fact>
              <Fact name="On">
                {found.node}, {found.address}
              </Fact>
            </Facts>
          )}
        </Answered>
      </Section>
      <PasswordSection />
      <CodesSection on={me?.codes ?? null} />
      <PasskeysSection />
      <SessionsSection />
    </>
  );
}

function PasswordSection() {
  const form = useForm({
    initialValues: { old: "", new: "", again: "" },
    validate: { again: (again, values) => (again === values.new ? null : "The two differ") },
  });
  const change = useAct(
    (given: { old: string; new: string }) => answer(api.POST("/api/v1/session/password", { body: given })),
    () => "Your password is changed; your other sessions have ended",
    () => form.reset(),
  );
  return (
    <Section title="Password">
      <Form verb="Change it" onSubmit={form.onSubmit(({ old, new: next }) => change.mutate({ old, new: next }))}>
        <PasswordInput label="The old one" autoComplete="current-password" {...form.getInputProps("old")} />
        <PasswordInput
          label="The new one"
          description="Twelve characters or more"
          autoComplete="new-password"
          {...form.getInputProps("new")}
        />
        <PasswordInput label="Once more" autoComplete="new-password" {...form.getInputProps("again")} />
        {change.error && <ProblemNotice problem={asProblem(change.error)} />}
      </Form>
    </Section>
  );
}

function CodesSection({ on }: { on: boolean | null }) {
  const [begun, setBegun] = useState<CodesBegun | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const form = useForm({ initialValues: { code: "" } });
  const begin = useAct(
    () => answer(api.POST("/api/v1/totp")),
    () => "Scan the code, then type what your authenticator shows",
    setBegun,
  );
  const confirm = useAct(
    (code: string) => answer(api.PUT("/api/v1/totp", { body: { code: code.replaceAll(" ", "") } })),
    () => "From now on a code is asked for at login",
    (made) => {
      setBegun(null);
      setCodes(made.codes);
    },
  );
  const end = useAct(
    () => answer(api.DELETE("/api/v1/totp")),
    () => "No code is asked for any more",
  );
  const problem = begin.error ?? end.error;
  return (
    <Section
      title="Codes of an authenticator"
      aside={
        on === null ? null : on ? (
          <Button size="xs" color="bad" loading={end.isPending} onClick={() => end.mutate(undefined)}>
            Turn off
          </Button>
        ) : (
          <Button size="xs" loading={begin.isPending} onClick={() => begin.mutate(undefined)}>
            Turn on…
          </Button>
        )
      }
    >
      <p className="muted">
        {on
          ? "On: a password alone opens nothing."
          : "Off: whoever knows your password, on a device of the mesh, is you."}
      </p>
      {problem && <ProblemNotice problem={asProblem(problem)} />}
      <Dialog title="Codes of an authenticator" opened={begun !== null} onClose={() => setBegun(null)}>
        {begun && (
          <Form verb="Turn on" onSubmit={form.onSubmit(({ code }) => confirm.mutate(code))}>
            <QrCode text={begun.uri} what="The secret for an authenticator" />
            <p>
              Or type it: <Copyable text={begun.secret} what="the secret" />
            </p>
            <TextInput
              label="The six digits that it shows"
              inputMode="numeric"
              autoComplete="one-time-code"
              {...form.getInputProps("code")}
            />
            {confirm.error && <ProblemNotice problem={asProblem(confirm.error)} />}
          </Form>
        )}
      </Dialog>
      <Dialog title="Recovery codes" opened={codes !== null} onClose={() => setCodes(null)}>
        <p>
          Each opens one login without the authenticator. They are shown this once: print them, or keep them in a safe.
        </p>
        <Command text={codes?.join("\n") ?? ""} what="the recovery codes" />
      </Dialog>
    </Section>
  );
}

function SessionsSection() {
  const sessions = useSessions();
  const end = useAct(
    (id: string) => answer(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } })),
    () => "That session has ended",
  );
  return (
    <Section title="Where you are logged in">
      {end.error && <ProblemNotice problem={asProblem(end.error)} />}
      <Answered query={sessions} what="sessions" rows={2}>
        {(all) => (
          <ul className={classes.list}>
            {all.map((session) => (
              <li key={session.id}>
                <b>{session.node}</b>
                <span className="muted">
                  by {session.by}, used <Time at={session.used} />
                </span>
                {session.current ? (
                  <span className="muted">this one</span>
                ) : (
                  <Button size="xs" onClick={() => end.mutate(session.id)}>
                    End it
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </Section>
  );
}
