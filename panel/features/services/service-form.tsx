"use client";
import { NumberInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form, More, Pair } from "@/components/form";
import { SelectorsField } from "@/components/selectors-field";
import { ProblemNotice } from "@/components/states";
import type { Tagged } from "@/lib/api/client";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Service } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { readService, sendService } from "./queries";
import { draftOf, FIELDS, newService, parseTarget, type ServiceDraft, serviceOf } from "./service-draft";
import { WeightsField } from "./weights-field";

const ON = ["edge"] as const;

/** All that a service can say. `read`: the one that is changed, as it was read; none for a new one. */
export function ServiceForm(props: {
  read: Tagged<Service> | null;
  nodes: readonly string[];
  onDone: (name: string) => void;
  onCancel?: () => void;
}) {
  const { read } = props;
  const form = useForm<ServiceDraft>({
    initialValues: read ? draftOf(read.value) : newService,
    validate: {
      name: (name) => (name.trim() ? null : "A service has a name, as app or photos"),
      target: (target) => (parseTarget(target) ? null : "Write 127.0.0.1:9000, [::1]:9000 or unix:/run/app.sock"),
      on: (on) => (on.length > 0 ? null : "Say where it runs: tag:site=home, or node:home-1"),
    },
  });
  const [change, setChange] = useState<Change | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const submit = form.onSubmit(async (draft) => {
    const service = serviceOf(draft);
    const etag = read?.etag ?? null;
    setProblem(null);
    try {
      await sendService(service, { preview: true, ifMatch: etag });
    } catch (error) {
      const found = asProblem(error);
      if (!found.conflict) {
        if (!fieldError(found, form, FIELDS)) setProblem(found);
        return;
      }
    }
    setChange({
      title: read ? `Change service ${service.name}` : `Publish service ${service.name}`,
      verb: read ? "Apply" : "Publish",
      done: read ? `Service ${service.name} is changed` : `Service ${service.name} is published`,
      etag,
      send: (ask) => sendService(service, ask),
      theirs: () => readService(service.name),
      mine: service,
    });
  });
  const number = (name: keyof ServiceDraft, label: string, suffix = "") => (
    <NumberInput
      label={label}
      suffix={suffix}
      allowNegative={false}
      allowDecimal={false}
      {...form.getInputProps(name)}
    />
  );
  return (
    <>
      <Form onSubmit={submit} verb="Preview…" {...(props.onCancel ? { onCancel: props.onCancel } : {})}>
        <TextInput
          label="Name"
          required
          disabled={read !== null}
          spellCheck={false}
          autoCapitalize="none"
          {...form.getInputProps("name")}
        />
        <TextInput
          label="Listens at, on each of its nodes"
          description="An address of that node's own, of its LAN, or a Unix socket; the node has to allow it"
          required
          spellCheck={false}
          {...form.getInputProps("target")}
        />
        <SelectorsField
          label="Runs on"
          description="Edges by tag, name or role"
          required
          roles={ON}
          value={form.values.on}
          onChange={(on) => form.setFieldValue("on", on)}
          error={form.errors.on}
        />
        <div>
          <p id="service-check">Health check</p>
          <SegmentedControl
            aria-labelledby="service-check"
            data={[
              { value: "tcp", label: "TCP" },
              { value: "http", label: "HTTP" },
            ]}
            {...form.getInputProps("check")}
          />
        </div>
        {form.values.check === "http" && (
          <Pair>
            <TextInput label="Path" spellCheck={false} {...form.getInputProps("path")} />
            {number("status", "Status that passes")}
          </Pair>
        )}
        <More title="How often, balance, timeouts">
          <Pair>
            {number("interval", "Between checks", " ms")}
            {number("timeout", "A check waits", " ms")}
          </Pair>
          <Pair>
            {number("rise", "Passes that bring it back")}
            {number("fall", "Failures that take it out")}
          </Pair>
          <Select
            label="Balance"
            data={["round-robin", "least-connections"]}
            allowDeselect={false}
            comboboxProps={{ transitionProps: { duration: 0 } }}
            {...form.getInputProps("balance")}
          />
          <Pair>
            {number("connectTimeout", "Connecting takes at most", " ms")}
            {number("readTimeout", "Silence of the answer", " ms")}
          </Pair>
          <Pair>
            {number("sendTimeout", "Silence of the request", " ms")}
            {number("retries", "Tries on other endpoints")}
          </Pair>
        </More>
        {read && (
          <WeightsField
            nodes={props.nodes}
            weights={form.values.weights}
            onChange={(weights) => form.setFieldValue("weights", weights)}
          />
        )}
        {problem && <ProblemNotice problem={problem} />}
      </Form>
      <ChangeDialog
        change={change}
        onClose={() => setChange(null)}
        onDone={() => props.onDone(form.values.name.trim())}
      />
    </>
  );
}
