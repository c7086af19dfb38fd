"use client";
/** A device with the official WireGuard app. Its key pair is made here; control gets the public half. */
import { useForm } from "@mantine/form";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form } from "@/components/form";
import { Answered, ProblemNotice } from "@/components/states";
import { asProblem, Problem } from "@/lib/api/problem";
import type { Network, Node, NodeView, Preview } from "@/lib/api/types";
import { callable, deviceConfig } from "@/lib/device-config";
import { fieldError } from "@/lib/form";
import { generateKeyPair } from "@/lib/wireguard";
import { NameField, RoleField } from "./newcomer-fields";
import { nameError, tagsError, tagsOf } from "./node-draft";
import { addDevice, useNetwork, useNodes } from "./queries";
import { TagsField } from "./tags-form";

export interface MadeDevice {
  name: string;
  /** With the private key: shown once. */
  config: string;
}

const NOBODY_TO_CALL = new Problem({
  status: 0,
  code: "no-endpoint",
  detail: "no gateway has an endpoint that a device could call",
  field: null,
  fix: "write `endpoint: host:port` into the gateway's settings file, and restart gridwire there",
});

export function DeviceForm(props: { onMade: (made: MadeDevice) => void; onCancel: () => void }) {
  const network = useNetwork();
  const nodes = useNodes();
  return (
    <Answered query={network} what="the network" rows={4}>
      {(shared) => (
        <Answered query={nodes} what="the gateways" rows={4}>
          {(views) => {
            const gateways = callable(views);
            if (gateways.length === 0) return <ProblemNotice problem={NOBODY_TO_CALL} />;
            return <Asked {...props} network={shared} gateways={gateways} />;
          }}
        </Answered>
      )}
    </Answered>
  );
}

interface Draft {
  name: string;
  role: "client" | "operator";
  tags: string[];
}

function Asked(props: {
  network: Network;
  gateways: readonly Node[];
  onMade: (made: MadeDevice) => void;
  onCancel: () => void;
}) {
  const [change, setChange] = useState<(Change & { privateKey: string }) | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useForm<Draft>({
    initialValues: { name: "", role: "client", tags: [] },
    validate: { name: nameError, tags: tagsError },
  });
  const submit = form.onSubmit(async (draft) => {
    setProblem(null);
    const name = draft.name.trim();
    try {
      const pair = await generateKeyPair();
      const body = { name, role: draft.role, public_key: pair.publicKey, tags: tagsOf(draft.tags) };
      const preview = (await addDevice(body, { preview: true })) as Preview;
      setChange({
        title: `Put ${name} on the mesh`,
        verb: "Add it",
        done: `${name} is on the mesh`,
        etag: null,
        preview,
        send: (ask) => addDevice(body, ask),
        privateKey: pair.privateKey,
      });
    } catch (error) {
      const found = asProblem(error);
      if (found.code === "name-taken") form.setFieldError("name", `${found.detail}: choose another`);
      else if (!fieldError(found, form)) setProblem(found);
    }
  });
  const made = (answered: unknown) => {
    if (!change) return;
    const { node } = answered as NodeView;
    props.onMade({ name: node.name, config: deviceConfig(node, change.privateKey, props.network, props.gateways) });
  };
  return (
    <>
      <Form onSubmit={submit} verb="Preview…" onCancel={props.onCancel}>
        <NameField description="As it stands in the list: phone, ada-tablet" input={form.getInputProps("name")} />
        <RoleField input={form.getInputProps("role")} />
        <TagsField
          texts={form.values.tags}
          onChange={(tags) => form.setFieldValue("tags", tags)}
          error={form.errors.tags}
        />
        {problem && <ProblemNotice problem={problem} />}
      </Form>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={made} />
    </>
  );
}
