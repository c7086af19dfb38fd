"use client";
import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Drawer } from "@/components/drawer";
import { Edited } from "@/components/edited";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { DrawerTabs } from "@/components/tabs";
import type { Tagged } from "@/lib/api/client";
import type { NodeView } from "@/lib/api/types";
import { milliseconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import { say } from "@/lib/said";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { InvitationSection } from "./invitation-section";
import { approval, cancellation, drain, revocation } from "./node-changes";
import { NodeFacts } from "./node-facts";
import { NodeSockets } from "./node-sockets";
import { type Stated, stateOf } from "./node-state";
import { NodeTraffic } from "./node-traffic";
import { isRevoked, useNode } from "./queries";

const TagsForm = dynamic(() => import("./tags-form").then((found) => found.TagsForm), { ssr: false });

const TABS = [
  { id: "", name: "Facts" },
  { id: "sockets", name: "Sockets" },
  { id: "traffic", name: "Traffic" },
];

/** `stated`: as the list states it, which knows more than one node's view. */
export function NodeDrawer(props: { name: string; stated?: Stated | undefined; onClose: () => void }) {
  const { name } = props;
  const node = useNode(name);
  const may = useMayChange();
  const url = useUrlState();
  const show = url.get("show") ?? "";
  const [change, setChange] = useState<Change | null>(null);
  const stated = props.stated ?? (node.data && stateOf(node.data.value));
  const editing = may && show === "tags";
  const done = (answered: unknown) => {
    if (!isRevoked(answered)) return;
    say(`${name} was cut off at every gateway in ${milliseconds(answered.milliseconds)}`);
    props.onClose();
  };
  return (
    <Drawer
      title={name}
      state={stated && <StateChip tone={stated.tone} word={stated.word} />}
      onClose={props.onClose}
      actions={may && !editing && node.data && <Actions read={node.data} onChange={setChange} />}
    >
      <Answered query={node} what={name} rows={8}>
        {(read) =>
          editing ? (
            <Edited read={read} settled={!node.isFetching}>
              {(began) => <TagsForm read={began} onDone={() => url.set({ show: null })} />}
            </Edited>
          ) : (
            <Shown read={read} stated={stated} show={show} />
          )
        }
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={done} />
    </Drawer>
  );
}

function Shown({ read, stated, show }: { read: Tagged<NodeView>; stated: Stated | undefined; show: string }) {
  const { node } = read.value;
  const early = ["invited", "redeemed", "pending", "quarantined"].includes(node.state);
  return (
    <>
      <DrawerTabs tabs={TABS} label={`About ${node.name}`} />
      {show === "sockets" ? (
        <NodeSockets name={node.name} />
      ) : show === "traffic" ? (
        <NodeTraffic node={node} />
      ) : (
        <>
          {stated && <p>{stated.why}</p>}
          {early && node.tailnet === null && <InvitationSection name={node.name} />}
          <NodeFacts view={read.value} />
        </>
      )}
    </>
  );
}

function Actions({ read, onChange }: { read: Tagged<NodeView>; onChange: (change: Change) => void }) {
  const client = useQueryClient();
  const url = useUrlState();
  const { node } = read.value;
  const { name, state } = node;
  const edge = node.role === "edge";
  const gateway = node.role === "gateway";
  if (state === "invited") {
    return (
      <>
        <Button size="xs" component={Link} href={paths.addNode({ name, step: "wait" })}>
          Watch it join
        </Button>
        <Button size="xs" onClick={() => onChange(cancellation(name))}>
          Take the invitation back…
        </Button>
      </>
    );
  }
  const asked = state === "pending" || state === "quarantined";
  return (
    <>
      {asked && (
        <Button size="xs" variant="filled" onClick={() => onChange(approval(name, read.etag))}>
          Approve…
        </Button>
      )}
      {state === "active" && edge && (
        <Button size="xs" onClick={() => onChange(drain(read))}>
          {node.drained ? "Take back into use…" : "Drain…"}
        </Button>
      )}
      {state !== "revoking" && (
        <Button size="xs" onClick={() => url.set({ show: "tags" }, { push: true })}>
          Tags…
        </Button>
      )}
      {state === "active" && !gateway && node.tailnet === null && (
        <Button size="xs" component={Link} href={paths.addNode({ replace: name })}>
          Replace…
        </Button>
      )}
      <Button size="xs" color="bad" onClick={() => onChange(revocation(read, client))}>
        {state === "revoking" ? "Ask the gateways again…" : "Revoke…"}
      </Button>
    </>
  );
}
