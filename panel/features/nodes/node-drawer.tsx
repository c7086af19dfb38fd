"use client";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Copyable } from "@/components/copy";
import { Drawer } from "@/components/drawer";
import { Findings } from "@/components/findings";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { Tags } from "@/components/tag";
import { Time } from "@/components/time";
import { answer, api, type Tagged } from "@/lib/api/client";
import type { NodeView } from "@/lib/api/types";
import { useMayChange } from "@/lib/session-query";
import { stateOf } from "./node-state";
import { readNode, useNode } from "./queries";

export function NodeDrawer({ name, onClose }: { name: string; onClose: () => void }) {
  const node = useNode(name);
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const stated = node.data && stateOf(node.data.value);
  return (
    <Drawer
      title={name}
      state={stated && <StateChip tone={stated.tone} word={stated.word} />}
      onClose={onClose}
      actions={
        may &&
        node.data?.value.node.state === "active" && (
          <Button size="xs" onClick={() => node.data && setChange(drain(node.data))}>
            {node.data.value.node.drained ? "Take back into use…" : "Drain…"}
          </Button>
        )
      }
    >
      <Answered query={node} what={name} rows={8}>
        {({ value }) => <Detail view={value} />}
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} />
    </Drawer>
  );
}

function drain({ value, etag }: Tagged<NodeView>): Change {
  const { name } = value.node;
  const drained = !value.node.drained;
  return {
    title: drained ? `Drain ${name}` : `Take ${name} back into use`,
    verb: drained ? "Drain" : "Take back",
    done: drained ? `${name} is drained` : `${name} is in use again`,
    etag,
    send: ({ preview, ifMatch }) =>
      answer(
        api.PATCH("/api/v1/nodes/{name}", {
          params: { path: { name }, query: { preview } },
          headers: ifMatch ? { "If-Match": ifMatch } : {},
          body: { drained },
        }),
      ),
    theirs: () => readNode(name),
    mine: { ...value, node: { ...value.node, drained } },
  };
}

function Detail({ view }: { view: NodeView }) {
  const { node } = view;
  return (
    <>
      <p>{stateOf(view).why}</p>
      <Facts>
        <Fact name="Role">{node.role}</Fact>
        <Fact name="Address">
          <Copyable text={node.address} what="the address" />
        </Fact>
        <Fact name="Tags">
          <Tags tags={node.tags} />
        </Fact>
        <Fact name="Last handshake">
          <Time at={view.latest_handshake} />
        </Fact>
        <Fact name="Last report">
          <Time
            at={view.reported_at}
            never={node.role === "edge" || node.role === "gateway" ? "never" : "runs no agent"}
          />
        </Fact>
        <Fact name="Agent">{view.agent_version || "none"}</Fact>
        <Fact name="Spec in force">
          {view.version ? `revision ${view.version[1]}${view.behind ? ", behind" : ""}` : "unknown"}
        </Fact>
        {node.public_key && (
          <Fact name="Public key">
            <Copyable text={node.public_key} what="the public key" />
          </Fact>
        )}
      </Facts>
      {view.reach.length > 0 && (
        <Section title="Lets be published">
          <ul>
            {view.reach.map((reach) => (
              <li key={JSON.stringify(reach)} className="mono">
                {typeof reach === "string" ? reach : JSON.stringify(reach)}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {view.findings.length > 0 && (
        <Section title="Findings">
          <Findings findings={view.findings} />
        </Section>
      )}
    </>
  );
}
