"use client";
/** All routes: whether each works, for whom, and why not. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { AddLink } from "@/components/add-link";
import { Command } from "@/components/copy";
import { crowdText } from "@/components/crowd";
import { type Column, DataTable } from "@/components/data-table";
import { Page } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import { EndpointLine, worstOf } from "@/features/services/worst-endpoint";
import type { RouteOutcome } from "@/lib/api/types";
import { count } from "@/lib/format";
import { useOpened } from "@/lib/opened";
import { paths } from "@/lib/paths";
import { keys, useComing } from "@/lib/query";
import { useMayChange } from "@/lib/session-query";
import { useRoutes } from "./queries";
import { RouteDrawer } from "./route-drawer";
import { forYou, rankOfRoute, routeState } from "./route-state";

const WHOLE = 900; // px of the table: below, why not stands on a second line

const columns: readonly Column<RouteOutcome>[] = [
  {
    id: "state",
    head: "State",
    width: "120px",
    sort: (outcome) => -rankOfRoute(outcome),
    cell: (outcome) => {
      const { tone, word, why } = routeState(outcome);
      return <StateChip tone={tone} word={word} title={why} />;
    },
  },
  {
    id: "url",
    head: "Opened at",
    width: "minmax(112px, 1.2fr)",
    sort: ({ url }) => url,
    cell: ({ url }) => <b>{url.replace(/^https?:\/\//, "")}</b>,
  },
  {
    id: "you",
    head: "For you",
    width: "88px",
    from: 400,
    sort: (outcome) => forYou(outcome)?.word ?? null,
    cell: (outcome) => {
      const you = forYou(outcome);
      return you && <StateChip tone={you.tone} word={you.word} title={you.why} />;
    },
  },
  {
    id: "to",
    head: "Leads to",
    width: "minmax(80px, 0.6fr)",
    from: 560,
    sort: ({ route }) => route.to,
    cell: ({ route }) => <Link href={paths.services({ name: route.to })}>{route.to}</Link>,
  },
  {
    id: "serve",
    head: "Serve",
    width: "72px",
    end: true,
    from: 640,
    sort: ({ counts }) => (counts.total ? counts.up / counts.total : 0),
    cell: ({ counts }) => (
      <span className="number">
        {count(counts.up)} of {count(counts.total)}
      </span>
    ),
  },
  {
    id: "can",
    head: "Who can open it",
    width: "minmax(0, 1.1fr)",
    from: 760,
    sort: ({ can }) => -can.count,
    cell: ({ can }) => crowdText(can),
  },
  {
    id: "why",
    head: "Why not",
    width: "minmax(0, 3fr)",
    from: WHOLE,
    cell: (outcome) => <WhyNot outcome={outcome} />,
  },
];

/** Whom it refuses is told that, and not how it fares without them. */
function WhyNot({ outcome }: { outcome: RouteOutcome }) {
  const worst = worstOf(outcome.endpoints);
  const you = forYou(outcome);
  const { tone, why } = routeState(outcome);
  const says = worst ? <EndpointLine endpoint={worst} /> : tone === "healthy" ? null : why;
  if (you?.word === "refused" && outcome.route.allow.length > 0) {
    return <span className="muted">Refused: {you.why}</span>;
  }
  return says && <span className="muted">{says}</span>;
}

const brief = {
  below: WHOLE,
  line: (outcome: RouteOutcome) => {
    const word = forYou(outcome)?.word;
    return (
      <>
        {word && word !== "refused" && `For you: ${word}. `}
        <WhyNot outcome={outcome} />
      </>
    );
  },
};

const keyOf = (outcome: RouteOutcome) => outcome.route.name;
const text = (outcome: RouteOutcome) =>
  [outcome.route.name, outcome.url, outcome.route.to, routeState(outcome).word, crowdText(outcome.can)].join(" ");

export function RoutesPage() {
  const routes = useRoutes();
  const coming = useComing(keys.routes);
  const may = useMayChange();
  const { key: name, open, close } = useOpened(keyOf);
  return (
    <Page
      title="Routes"
      actions={
        <>
          <Button component={Link} href={paths.tryRequest()}>
            Try a request
          </Button>
          {may && <AddLink href={paths.addRoute()}>Add a route</AddLink>}
        </>
      }
    >
      <Answered query={routes} what="routes" rows={8}>
        {(outcomes) =>
          outcomes.length === 0 ? (
            <NoRoutes />
          ) : (
            <DataTable
              label="Routes"
              noun="route"
              rows={outcomes}
              rowKey={keyOf}
              columns={columns}
              badness={rankOfRoute}
              brief={brief}
              text={text}
              coming={coming}
              selected={name}
              onOpen={open}
            />
          )
        }
      </Answered>
      {name && (
        <RouteDrawer
          key={name}
          name={name}
          row={routes.data?.find((outcome) => outcome.route.name === name)}
          onClose={close}
        />
      )}
    </Page>
  );
}

function NoRoutes() {
  return (
    <Empty
      title="No route is open yet"
      action={
        <Button component={Link} href={paths.addRoute()} variant="filled">
          Add a route
        </Button>
      }
    >
      <p>
        A route is a name that devices on the mesh open. It leads to a service, and to nobody whom it does not allow.
      </p>
      <Command text="gridwire route add --host app --to app --allow role:client" />
    </Empty>
  );
}
