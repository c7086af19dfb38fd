"use client";
/** All nodes, the worst first: who is silent, since when, at tunnel, agent or host, and what users lose by it. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { useCallback, useMemo } from "react";
import { AddLink } from "@/components/add-link";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Page } from "@/components/page";
import { BADNESS, StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { Tags } from "@/components/tag";
import { Time } from "@/components/time";
import { useRoutesWhere } from "@/features/routes/queries";
import type { NodeView, RouteOutcome } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { keys, useComing } from "@/lib/query";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { NodeDrawer } from "./node-drawer";
import { losses, lossText } from "./node-loss";
import { heard, newestReport, type Stated, stateOf } from "./node-state";
import classes from "./nodes-page.module.css";
import { useNodes } from "./queries";

interface Row {
  view: NodeView;
  stated: Stated;
  /** What users lose by it now; empty while it serves. */
  lost: string;
  /** When it was last heard of, in ms since 1970. */
  heard: number | null;
}

const WHOLE = 860; // px of the table: below, why and what is lost stand on a second line

// Outside the component: the table sorts again only when rows change.
const columns: readonly Column<Row>[] = [
  {
    id: "state",
    head: "State",
    width: "136px",
    narrow: "124px",
    sort: ({ stated }) => -BADNESS[stated.tone],
    cell: ({ stated }) => <StateChip tone={stated.tone} word={stated.word} title={stated.why} />,
  },
  {
    id: "name",
    head: "Name",
    width: "minmax(96px, 1fr)",
    sort: ({ view }) => view.node.name,
    cell: ({ view }) => <b>{view.node.name}</b>,
  },
  {
    id: "why",
    head: "Why",
    width: "minmax(160px, 2fr)",
    from: WHOLE,
    cell: ({ stated }) => <span title={stated.why}>{stated.brief}</span>,
  },
  {
    id: "lost",
    head: "Users lose",
    width: "minmax(80px, 0.9fr)",
    from: WHOLE,
    sort: ({ lost }) => lost || null,
    cell: ({ lost }) => lost && <span className={classes.lost}>{lost}</span>,
  },
  {
    id: "heard",
    head: "Heard",
    width: "88px",
    narrow: "84px",
    end: true,
    sort: (row) => (row.heard === null ? null : -row.heard),
    cell: ({ view }) => <Time at={heard(view)} />,
  },
  {
    id: "role",
    head: "Role, tags",
    width: "minmax(96px, 1.2fr)",
    from: 560,
    sort: ({ view }) => view.node.role,
    cell: ({ view }) => <RoleAndTags view={view} />,
  },
  {
    id: "address",
    head: "Address",
    width: "104px",
    from: 1000,
    sort: ({ view }) => addressKey(view.node.address),
    cell: ({ view }) => <span className="mono">{view.node.address}</span>,
  },
];

const keyOf = ({ view }: Row) => view.node.name;
const badness = ({ stated }: Row) => BADNESS[stated.tone];
const text = ({ view: { node }, stated, lost }: Row) =>
  [
    node.name,
    node.role,
    node.address,
    ...node.tags.map(([key, value]) => `${key}=${value}`),
    stated.word,
    stated.brief,
    lost,
  ].join(" ");

function rowsOf(views: readonly NodeView[], routes: readonly RouteOutcome[]): Row[] {
  const asOf = newestReport(views);
  const lostBy = losses(routes);
  return views.map((view) => {
    const at = heard(view);
    return {
      view,
      stated: stateOf(view, asOf),
      lost: view.connected === false || view.unreached ? lossText(lostBy.get(view.node.name) ?? []) : "",
      heard: at ? Date.parse(at) : null,
    };
  });
}

const brief = {
  below: WHOLE,
  line: ({ stated, lost }: Row) => (
    <>
      {lost && <span className={classes.lost}>users lose {lost}</span>}
      {lost && stated.brief && "; "}
      {stated.brief}
    </>
  ),
};

function RoleAndTags({ view: { node } }: { view: NodeView }) {
  return (
    <span className={classes.role}>
      {node.role}
      {node.tags.length > 0 && <Tags tags={node.tags} most={1} />}
    </span>
  );
}

/** Addresses in order of their numbers, not of their digits. */
function addressKey(address: string): string {
  return address.replace(/\d+/g, (part) => part.padStart(3, "0"));
}

const NO_ROUTES: readonly RouteOutcome[] = [];
const SERVE_NOBODY = "-standing:serving -standing:degraded";
const isLost = ({ node, connected, unreached }: NodeView) =>
  node.role === "edge" && (connected === false || unreached !== "");

export function NodesPage() {
  const nodes = useNodes();
  const coming = useComing(keys.nodes);
  // What is lost by a node that is down is served by nobody: of thousands of routes those few are asked for.
  const down = useMemo(() => nodes.data?.some(isLost) ?? false, [nodes.data]);
  const routes = useRoutesWhere(SERVE_NOBODY, down);
  const url = useUrlState();
  const may = useMayChange();
  const name = url.get("name");
  const { set } = url;
  const rows = useMemo(() => rowsOf(nodes.data ?? [], routes.data ?? NO_ROUTES), [nodes.data, routes.data]);
  const open = useCallback((row: Row) => set({ name: keyOf(row) }, { push: !name }), [set, name]);
  const close = useCallback(() => set({ name: null, show: null }), [set]);
  const opened = useMemo(() => rows.find((row) => keyOf(row) === name), [rows, name]);

  return (
    <Page title="Nodes" actions={may && <AddLink href={paths.addNode()}>Add a node</AddLink>}>
      <Answered query={nodes} what="nodes" rows={8}>
        {(views) =>
          views.length === 0 ? (
            <NoNodes />
          ) : (
            <DataTable
              label="Nodes"
              noun="node"
              rows={rows}
              rowKey={keyOf}
              columns={columns}
              badness={badness}
              brief={brief}
              text={text}
              coming={coming}
              selected={name}
              onOpen={open}
            />
          )
        }
      </Answered>
      {name && <NodeDrawer key={name} name={name} stated={opened?.stated} onClose={close} />}
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
