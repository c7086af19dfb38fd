"use client";
import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form } from "@/components/form";
import { SelectorsField } from "@/components/selectors-field";
import { ProblemNotice } from "@/components/states";
import type { Tagged } from "@/lib/api/client";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Policy } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { parseSelector, selectorText } from "@/lib/selector";
import { readPolicy, sendPolicy } from "./queries";

const WHO = ["client", "operator"] as const;

export function PolicyForm(props: {
  read: Tagged<Policy> | null;
  onDone: (name: string) => void;
  onCancel?: () => void;
}) {
  const { read } = props;
  const form = useForm({
    initialValues: { name: read?.value.name ?? "", allow: read?.value.allow.map(selectorText) ?? [] },
    validate: { name: (name) => (name.trim() ? null : "A policy has a name, as family") },
  });
  const [change, setChange] = useState<Change | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = form.onSubmit(async (draft) => {
    const policy: Policy = {
      name: draft.name.trim(),
      allow: draft.allow.map(parseSelector).filter((selector) => selector !== null),
    };
    const etag = read?.etag ?? null;
    setProblem(null);
    try {
      await sendPolicy(policy, { preview: true, ifMatch: etag });
    } catch (error) {
      const found = asProblem(error);
      if (!found.conflict) {
        if (!fieldError(found, form)) setProblem(found);
        return;
      }
    }
    setChange({
      title: read ? `Change policy ${policy.name}` : `Add policy ${policy.name}`,
      verb: read ? "Apply" : "Add",
      done: read ? `Policy ${policy.name} is changed` : `Policy ${policy.name} is there`,
      etag,
      send: (ask) => sendPolicy(policy, ask),
      theirs: () => readPolicy(policy.name),
      mine: policy,
    });
  });
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
        <SelectorsField
          label="Lets in"
          description="Roles, tags and nodes. Empty lets in nobody"
          roles={WHO}
          value={form.values.allow}
          onChange={(allow) => form.setFieldValue("allow", allow)}
          error={form.errors.allow}
        />
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
