"use client";
/** Who can open what by name: each policy with whom it lets in and which routes use it. */
import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import Link from "next/link";
import { useCallback, useMemo } from "react";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Drawer } from "@/components/drawer";
import { Page } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { useNodes } from "@/features/nodes/queries";
import { useRoutes } from "@/features/routes/queries";
import type { NodeView, Policy, RouteOutcome } from "@/lib/api/types";
import { count, plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { letIn, usedBy } from "./access";
import { Openings } from "./openings";
import { PolicyDrawer } from "./policy-drawer";
import { PolicyForm } from "./policy-form";
import { usePolicies } from "./queries";

/** A policy, whom it lets in now, and which routes it opens; none where that is not known yet. */
export interface PolicyRow {
  policy: Policy;
  nodes: NodeView[] | null;
  routes: RouteOutcome[] | null;
}

const WHOLE = 640; // px of the table: below, what a policy opens stands on a second line

const columns: readonly Column<PolicyRow>[] = [
  {
    id: "name",
    head: "Name",
    width: "minmax(96px, 1fr)",
    sort: ({ policy }) => policy.name,
    cell: ({ policy }) => <b>{policy.name}</b>,
  },
  {
    id: "allow",
    head: "Lets in",
    width: "minmax(0, 2fr)",
    cell: ({ policy }) =>
      policy.allow.length === 0 ? (
        <StateChip tone="off" word="nobody" title="An empty policy is closed." />
      ) : (
        policy.allow.map(selectorText).join(", ")
      ),
  },
  {
    id: "nodes",
    head: "Nodes now",
    width: "88px",
    end: true,
    sort: ({ nodes }) => (nodes ? -nodes.length : null),
    cell: ({ nodes }) => (nodes ? <span className="number">{count(nodes.length)}</span> : ""),
  },
  {
    id: "routes",
    head: "Opens",
    width: "minmax(0, 2fr)",
    from: WHOLE,
    sort: ({ routes }) => (routes ? -routes.length : null),
    cell: (row) => <Opens row={row} />,
  },
];

function Opens({ row: { routes } }: { row: PolicyRow }) {
  if (routes === null) return null;
  if (routes.length === 0) return <span className="muted">no route uses it</span>;
  return <>{routes.map(({ route }) => route.name).join(", ")}</>;
}

const brief = {
  below: WHOLE,
  line: (row: PolicyRow) => (
    <>
      {row.routes !== null && row.routes.length > 0 && "opens "}
      <Opens row={row} />
    </>
  ),
};

const keyOf = ({ policy }: PolicyRow) => policy.name;
const text = ({ policy, nodes, routes }: PolicyRow) =>
  [
    policy.name,
    ...policy.allow.map(selectorText),
    ...(nodes?.map(({ node }) => node.name) ?? []),
    ...(routes?.map(({ route }) => route.name) ?? []),
  ].join(" ");

export function PoliciesPage() {
  const policies = usePolicies();
  const nodes = useNodes().data;
  const routes = useRoutes().data;
  const url = useUrlState();
  const may = useMayChange();
  const name = url.get("name");
  const adding = may && url.get("show") === "add";
  const { set } = url;
  const rows = useMemo(
    () =>
      policies.data?.map((policy) => ({
        policy,
        nodes: nodes ? letIn(policy, nodes) : null,
        routes: routes ? usedBy(policy, routes) : null,
      })) ?? [],
    [policies.data, nodes, routes],
  );
  const open = useCallback((row: PolicyRow) => set({ name: keyOf(row), show: null }, { push: !name }), [set, name]);
  const close = useCallback(() => set({ name: null, show: null }), [set]);
  const row = rows.find(({ policy }) => policy.name === name);
  return (
    <Page
      title="Policies"
      lead="who may use a route, under a name that routes share"
      actions={
        <>
          <Button component={Link} href={paths.tryRequest()}>
            Why was it refused?
          </Button>
          {may && (
            <Button
              variant="filled"
              leftSection={<IconPlus size={14} aria-hidden="true" />}
              onClick={() => set({ show: "add", name: null }, { push: true })}
            >
              Add a policy
            </Button>
          )}
        </>
      }
    >
      <Answered query={policies} what="policies" rows={4}>
        {(all) =>
          all.length === 0 ? (
            <NoPolicies />
          ) : (
            <DataTable
              label="Policies"
              noun="policy"
              nouns="policies"
              rows={rows}
              rowKey={keyOf}
              columns={columns}
              brief={brief}
              text={text}
              selected={name}
              onOpen={open}
              {...(routes ? { aside: <span className="muted">{plural(routes.length, "route")} in all</span> } : {})}
            />
          )
        }
      </Answered>
      {routes && policies.data && <Openings routes={routes} policies={policies.data} />}
      {row && <PolicyDrawer key={name} row={row} onClose={close} />}
      {adding && (
        <Drawer title="Add a policy" onClose={close}>
          <PolicyForm read={null} onDone={(added) => set({ name: added, show: null })} onCancel={close} />
        </Drawer>
      )}
    </Page>
  );
}

function NoPolicies() {
  return (
    <Empty title="No policy has a name yet">
      <p>
        A route can say itself who may open it. A policy is the same under a name, so that many routes follow one
        change. A route without either is closed.
      </p>
      <Command text="gridwire policy set family --allow tag:owner=family" />
    </Empty>
  );
}
