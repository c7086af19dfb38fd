"use client";
/** An invitation: the key pair is made here, control gets its public half, and the token is composed here. */
import { SegmentedControl, Select, TagsInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Form, More } from "@/components/form";
import { ProblemNotice } from "@/components/states";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Invite } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { keys } from "@/lib/query";
import { composeToken } from "@/lib/token";
import { generateKeyPair } from "@/lib/wireguard";
import { NameField, RoleField } from "./newcomer-fields";
import { joinCommand, LIFETIMES, nameError, reachError, tagsError, tagsOf } from "./node-draft";
import { invite } from "./queries";
import { TagsField } from "./tags-form";

export interface Made {
  name: string;
  token: string;
  command: string;
  role: Invite["role"];
  replaces: string | null;
}

interface Draft {
  name: string;
  role: "edge" | "client" | "operator";
  tags: string[];
  reach: string[];
  ttl: string;
  approval: "control" | "yes" | "no";
}

const FIELDS = { ttl_seconds: "ttl", needs_approval: "approval" };

/** `kind` host: an edge. `replace`: the node whose name and tags the new one takes. */
export function InviteForm(props: {
  kind: "host" | "computer";
  replace: string | null;
  onMade: (made: Made) => void;
  onCancel: () => void;
}) {
  const host = props.kind === "host";
  const client = useQueryClient();
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Draft>({
    initialValues: {
      name: props.replace ?? "",
      role: host ? "edge" : "client",
      tags: [],
      reach: [],
      ttl: "3600",
      approval: "control",
    },
    validate: { name: nameError, tags: tagsError, reach: reachError },
  });
  const making = useMutation({
    mutationFn: (draft: Draft) => make(draft, props.replace !== null),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: keys.nodes });
      props.onMade(made);
    },
    onError: (error) => {
      const found = asProblem(error);
      if (found.code === "name-taken" && !props.replace) {
        form.setFieldError("name", `${found.detail}: choose another, or replace that node from its page`);
      } else if (!fieldError(found, form, FIELDS)) setProblem(found);
    },
  });
  const submit = form.onSubmit((draft) => {
    setProblem(null);
    if (!making.isPending) making.mutate(draft);
  });
  return (
    <Form onSubmit={submit} verb={making.isPending ? "Inviting…" : "Invite"} onCancel={props.onCancel}>
      <NameField
        description={host ? "As it stands in the list: home-1" : "As it stands in the list: ada-laptop"}
        disabled={props.replace !== null}
        input={form.getInputProps("name")}
      />
      {!host && props.replace === null && <RoleField input={form.getInputProps("role")} />}
      <TagsField
        texts={form.values.tags}
        onChange={(tags) => form.setFieldValue("tags", tags)}
        error={form.errors.tags}
        {...(props.replace ? { note: "None: those of the node that it replaces" } : {})}
      />
      {host && (
        <TagsInput
          label="Lets be published"
          description="Its own list, which control cannot widen: 127.0.0.1:9000, or later by gridwire reach add there"
          value={form.values.reach}
          onChange={(reach) => form.setFieldValue("reach", reach)}
          splitChars={[",", " "]}
          acceptValueOnBlur
          error={form.errors.reach}
        />
      )}
      <More title="How long the token is good, and whether it waits for a yes">
        <Select
          label="The token is good for"
          data={LIFETIMES}
          allowDeselect={false}
          comboboxProps={{ transitionProps: { duration: 0 } }}
          {...form.getInputProps("ttl")}
        />
        <div>
          <p id="invite-approval">Waits for your yes after it joined</p>
          <SegmentedControl
            aria-labelledby="invite-approval"
            data={[
              { value: "control", label: "If a service selects it" },
              { value: "yes", label: "Always" },
              { value: "no", label: "Never" },
            ]}
            {...form.getInputProps("approval")}
          />
        </div>
      </More>
      {problem && <ProblemNotice problem={problem} />}
    </Form>
  );
}

const APPROVAL = { control: null, yes: true, no: false };

async function make(draft: Draft, replace: boolean): Promise<Made> {
  const pair = await generateKeyPair();
  const invited = await invite({
    name: draft.name.trim(),
    ephemeral_key: pair.publicKey,
    role: draft.role,
    tags: tagsOf(draft.tags),
    ttl_seconds: Number(draft.ttl),
    needs_approval: APPROVAL[draft.approval],
    replace,
  });
  return {
    name: invited.node.name,
    token: await composeToken(invited, pair.privateKey),
    command: joinCommand(draft.reach),
    role: invited.node.role,
    replaces: invited.node.replaces,
  };
}
