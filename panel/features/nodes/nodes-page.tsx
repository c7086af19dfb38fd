"use client";
/** All nodes, the worst first: who is silent, since when, and what to do. The example that other lists follow. */
import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import Link from "next/link";
import { useCallback } from "react";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Page } from "@/components/page";
import { BADNESS, StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { Tags } from "@/components/tag";
import { Time } from "@/components/time";
import type { NodeView } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { NodeDrawer } from "./node-drawer";
import { stateOf } from "./node-state";
import { useNodes } from "./queries";

// Outside the component: the table sorts again only when rows change.
const columns: readonly Column<NodeView>[] = [
  {
    id: "state",
    head: "State",
    width: "136px",
    narrow: "124px",
    sort: (view) => -BADNESS[stateOf(view).tone],
    cell: (view) => <State view={view} />,
  },
  {
    id: "name",
    head: "Name",
    width: "minmax(96px, 1.4fr)",
    sort: ({ node }) => node.name,
    cell: ({ node }) => <b>{node.name}</b>,
  },
  { id: "role", head: "Role", width: "80px", from: 560, sort: ({ node }) => node.role, cell: ({ node }) => node.role },
  { id: "tags", head: "Tags", width: "minmax(96px, 1.6fr)", from: 900, cell: ({ node }) => <Tags tags={node.tags} /> },
  {
    id: "address",
    head: "Address",
    width: "112px",
    from: 640,
    sort: ({ node }) => addressKey(node.address),
    cell: ({ node }) => <span className="mono">{node.address}</span>,
  },
  {
    id: "heard",
    head: "Heard",
    width: "96px",
    narrow: "84px",
    end: true,
    sort: (view) => -Date.parse(heard(view) ?? "") || null,
    cell: (view) => <Time at={heard(view)} />,
  },
  {
    id: "agent",
    head: "Agent",
    width: "88px",
    end: true,
    from: 760,
    sort: (view) => view.agent_version || null,
    cell: (view) => view.agent_version || <span className="muted">none</span>,
  },
];

const keyOf = (view: NodeView) => view.node.name;
const badness = (view: NodeView) => BADNESS[stateOf(view).tone];
const text = ({ node, ...view }: NodeView) =>
  [
    node.name,
    node.role,
    node.address,
    ...node.tags.map(([key, value]) => `${key}=${value}`),
    stateOf({ node, ...view }).word,
  ].join(" ");

/** When anything was last heard of it; a gateway has no handshake with itself. */
function heard(view: NodeView): string | null {
  return (
    [view.latest_handshake, view.reported_at]
      .filter((at) => at !== null)
      .sort()
      .at(-1) ?? null
  );
}

/** Addresses in order of their numbers, not of their digits. */
function addressKey(address: string): string {
  return address.replace(/\d+/g, (part) => part.padStart(3, "0"));
}

function State({ view }: { view: NodeView }) {
  const { tone, word, why } = stateOf(view);
  return <StateChip tone={tone} word={word} title={why} />;
}

export function NodesPage() {
  const nodes = useNodes();
  const url = useUrlState();
  const may = useMayChange();
  const name = url.get("name");
  const { set } = url;
  const open = useCallback((view: NodeView) => set({ name: view.node.name }, { push: !name }), [set, name]);
  const close = useCallback(() => set({ name: null, show: null }), [set]);

  return (
    <Page
      title="Nodes"
      actions={
        may && (
          <Button
            component={Link}
            href={paths.addNode()}
            variant="filled"
            leftSection={<IconPlus size={14} aria-hidden="true" />}
          >
            Add a node
          </Button>
        )
      }
    >
      <Answered query={nodes} what="nodes" rows={8}>
        {(views) =>
          views.length === 0 ? (
            <NoNodes />
          ) : (
            <DataTable
              label="Nodes"
              noun="node"
              rows={views}
              rowKey={keyOf}
              columns={columns}
              badness={badness}
              text={text}
              selected={name}
              onOpen={open}
            />
          )
        }
      </Answered>
      {name && <NodeDrawer key={name} name={name} onClose={close} />}
    </Page>
  );
}

function NoNodes() {
  return (
    <Empty
      title="No node has joined yet"
      action={
        <Button component={Link} href={paths.addNode()} variant="filled">
          Add a node
        </Button>
      }
    >
      <p>
        A node is a host or device with a tunnel to a gateway. An edge runs services; a client or operator opens routes.
      </p>
      <Command text="gridwire invite home-1 --role edge" />
    </Empty>
  );
}
