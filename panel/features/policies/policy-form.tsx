"use client";
import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { NounForm, type NounFormProps } from "@/components/noun-form";
import type { Policy } from "@/lib/api/types";
import { selectorsOf, selectorText } from "@/lib/selector";
import { readPolicy, sendPolicy } from "./queries";
import { SelectorsField } from "./selectors-field";

const WHO = ["client", "operator"] as const;

interface PolicyDraft {
  name: string;
  allow: string[];
}

function policyOf(draft: PolicyDraft): Policy {
  return { name: draft.name.trim(), allow: selectorsOf(draft.allow) };
}

export function PolicyForm(props: NounFormProps<Policy>) {
  const { read } = props;
  const form = useForm<PolicyDraft>({
    initialValues: { name: read?.value.name ?? "", allow: read?.value.allow.map(selectorText) ?? [] },
    validate: { name: (name) => (name.trim() ? null : "A policy has a name, as family") },
  });
  return (
    <NounForm {...props} noun="policy" form={form} nounOf={policyOf} send={sendPolicy} reread={readPolicy}>
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
    </NounForm>
  );
}
