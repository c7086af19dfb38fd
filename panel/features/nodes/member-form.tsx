"use client";
/** A device of the tailnet that runs no gridwire: named by its name or an address there. */
import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form } from "@/components/form";
import { ProblemNotice } from "@/components/states";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Preview } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { paths } from "@/lib/paths";
import { NameField, RoleField } from "./newcomer-fields";
import { nameError, tagsError, tagsOf } from "./node-draft";
import { addMember } from "./queries";
import { TagsField } from "./tags-form";

interface Draft {
  member: string;
  name: string;
  role: "client" | "operator";
  tags: string[];
}

export function MemberForm() {
  const router = useRouter();
  const [change, setChange] = useState<Change | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Draft>({
    initialValues: { member: "", name: "", role: "client", tags: [] },
    validate: {
      member: (member) => (member.trim() ? null : "Its name or address on the tailnet, as tailscale status shows it"),
      name: nameError,
      tags: tagsError,
    },
  });
  const submit = form.onSubmit(async ({ member, name, role, tags }) => {
    const body = { member: member.trim(), name: name.trim(), role, tags: tagsOf(tags) };
    setProblem(null);
    try {
      setChange({
        title: `Let ${body.name} in`,
        verb: "Let it in",
        done: `${body.name} is in`,
        etag: null,
        preview: (await addMember(body, { preview: true })) as Preview,
        send: (ask) => addMember(body, ask),
      });
    } catch (error) {
      const found = asProblem(error);
      if (!fieldError(found, form)) setProblem(found);
    }
  });
  return (
    <>
      <Form onSubmit={submit} verb="Preview…">
        <TextInput
          label="On the tailnet"
          description="Its name or address there, as tailscale status shows it"
          required
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          {...form.getInputProps("member")}
        />
        <NameField description="As it stands in the list: phone, ada-tablet" input={form.getInputProps("name")} />
        <RoleField input={form.getInputProps("role")} />
        <TagsField
          texts={form.values.tags}
          onChange={(tags) => form.setFieldValue("tags", tags)}
          error={form.errors.tags}
        />
        {problem && <ProblemNotice problem={problem} />}
      </Form>
      <ChangeDialog
        change={change}
        onClose={() => setChange(null)}
        onDone={() => change && router.push(paths.nodes({ name: form.getValues().name.trim() }))}
      />
    </>
  );
}
