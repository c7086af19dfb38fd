"use client";
import { MultiSelect, NumberInput, PasswordInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Form, Pair } from "@/components/form";
import { ProblemNotice } from "@/components/states";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { AlertKind, Notification } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { useAct } from "./act";
import { ALERTS, type DestinationDraft, destinationOf, draftOfKnown, fieldNames, newDestination } from "./destination";

const KINDS = [
  { value: "webhook", label: "Webhook" },
  { value: "ntfy", label: "ntfy" },
  { value: "smtp", label: "Mail" },
];

const OF = (Object.keys(ALERTS) as AlertKind[]).map((value) => ({ value, label: ALERTS[value] }));

/** `known`: one that is there, which is written anew under its name. */
export function DestinationForm({ known, onDone }: { known?: Notification; onDone: () => void }) {
  const form = useForm<DestinationDraft>({
    initialValues: known ? draftOfKnown(known) : newDestination,
    validate: { name: (name) => (name.trim() ? null : "Give it a name, as phone") },
  });
  const put = useAct(
    (draft: DestinationDraft) => {
      const params = { path: { name: draft.name.trim() } };
      const body = { to: destinationOf(draft), only: draft.only };
      return answer(api.PUT("/api/v1/notifications/{name}", { params, body }));
    },
    ({ name }) => `${name} is told from now on; test it`,
    onDone,
  );
  const problem = put.error ? asProblem(put.error) : null;
  const secret = (name: keyof DestinationDraft, label: string) => (
    <PasswordInput label={label} autoComplete="off" {...form.getInputProps(name)} />
  );
  const line = (name: keyof DestinationDraft, label: string, description?: string) => (
    <TextInput
      label={label}
      description={description}
      spellCheck={false}
      autoCapitalize="none"
      {...form.getInputProps(name)}
    />
  );
  return (
    <Form
      verb={known ? "Change it" : "Add"}
      onSubmit={form.onSubmit((draft) =>
        put.mutate(draft, {
          onError: (error) => void fieldError(asProblem(error), form, fieldNames(draft.kind)),
        }),
      )}
    >
      {known ? <p className="muted">What it was told by is not shown again: type it anew.</p> : line("name", "Name")}
      <SegmentedControl aria-label="How" data={KINDS} {...form.getInputProps("kind")} />
      {form.values.kind === "webhook" && (
        <>
          {line("url", "URL", "Its path is kept sealed and never shown again")}
          {secret("key", "Key that signs what is sent")}
        </>
      )}
      {form.values.kind === "ntfy" && (
        <>
          {line("topic", "Topic", "Who knows it may read it")}
          {line("server", "Server")}
          {secret("token", "Token")}
        </>
      )}
      {form.values.kind === "smtp" && (
        <>
          {line("to", "To", "One or more addresses")}
          {line("sender", "From")}
          <Pair>
            {line("host", "Server")}
            <NumberInput label="Port" min={1} max={65535} {...form.getInputProps("port")} />
          </Pair>
          <Select
            label="Security"
            data={["starttls", "tls", "none"]}
            allowDeselect={false}
            comboboxProps={{ transitionProps: { duration: 0 } }}
            {...form.getInputProps("security")}
          />
          <Pair>
            {line("user", "User")}
            {secret("password", "Password")}
          </Pair>
        </>
      )}
      <MultiSelect
        label="Told of"
        placeholder={form.values.only.length === 0 ? "Everything" : ""}
        data={OF}
        comboboxProps={{ transitionProps: { duration: 0 } }}
        {...form.getInputProps("only")}
      />
      {problem && <ProblemNotice problem={problem} />}
    </Form>
  );
}
