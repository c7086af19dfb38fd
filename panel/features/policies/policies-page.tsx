"use client";
/** Who can open what by name: each policy with whom it lets in and which routes use it. */
import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import dynamic from "next/dynamic";
import Link from "next/link";
import { useCallback } from "react";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Drawer } from "@/components/drawer";
import { Page } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { useRoutes } from "@/features/routes/queries";
import type { PolicyOutcome } from "@/lib/api/types";
import { count, plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { Openings } from "./openings";
import { PolicyDrawer } from "./policy-drawer";
import { usePolicyOutcomes } from "./queries";

const PolicyForm = dynamic(() => import("./policy-form").then((found) => found.PolicyForm), { ssr: false });
const NAMED = 6;

/** "photos, wiki and 3 others". */
function opened({ routes, routes_count: total }: PolicyOutcome): string {
  const named = routes.slice(0, NAMED);
  const others = total - named.length;
  return others > 0 ? `${named.join(", ")} and ${plural(others, "other")}` : named.join(", ");
}

const WHOLE = 640; // px of the table: below, what a policy opens stands on a second line

const columns: readonly Column<PolicyOutcome>[] = [
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
    sort: ({ can }) => -can.count,
    cell: ({ can }) => <span className="number">{count(can.count)}</span>,
  },
  {
    id: "routes",
    head: "Opens",
    width: "minmax(0, 2fr)",
    from: WHOLE,
    sort: ({ routes_count: total }) => -total,
    cell: (outcome) => <Opens outcome={outcome} />,
  },
];

function Opens({ outcome }: { outcome: PolicyOutcome }) {
  if (outcome.routes_count === 0) return <span className="muted">no route uses it</span>;
  return <>{opened(outcome)}</>;
}

const brief = {
  below: WHOLE,
  line: (outcome: PolicyOutcome) => (
    <>
      {outcome.routes_count > 0 && "opens "}
      <Opens outcome={outcome} />
    </>
  ),
};

const keyOf = ({ policy }: PolicyOutcome) => policy.name;
const text = ({ policy, can, routes }: PolicyOutcome) =>
  [policy.name, ...policy.allow.map(selectorText), ...can.nodes, ...routes].join(" ");

export function PoliciesPage() {
  const policies = usePolicyOutcomes();
  const routes = useRoutes().data;
  const url = useUrlState();
  const may = useMayChange();
  const name = url.get("name");
  const adding = may && url.get("show") === "add";
  const { set } = url;
  const open = useCallback((row: PolicyOutcome) => set({ name: keyOf(row), show: null }, { push: !name }), [set, name]);
  const close = useCallback(() => set({ name: null, show: null }), [set]);
  const outcome = policies.data?.find(({ policy }) => policy.name === name);
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
              rows={all}
              rowKey={keyOf}
              columns={columns}
              brief={brief}
              text={text}
              selected={name}
              onOpen={open}
            />
          )
        }
      </Answered>
      {routes && policies.data && <Openings routes={routes} policies={policies.data.map(({ policy }) => policy)} />}
      {outcome && <PolicyDrawer key={name} outcome={outcome} onClose={close} />}
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
