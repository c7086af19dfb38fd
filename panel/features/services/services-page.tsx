"use client";
/** All services: how many endpoints serve, which check failed and with what answer. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { AddLink } from "@/components/add-link";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Page } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import type { ServiceOutcome } from "@/lib/api/types";
import { count } from "@/lib/format";
import { useOpened } from "@/lib/opened";
import { paths } from "@/lib/paths";
import { keys, useComing } from "@/lib/query";
import { selectorText } from "@/lib/selector";
import { useMayChange } from "@/lib/session-query";
import { useServices } from "./queries";
import { targetText } from "./service-draft";
import { ServiceDrawer } from "./service-drawer";
import { rankOf, standingOf } from "./service-state";
import { EndpointLine, worstOf } from "./worst-endpoint";

const WHOLE = 640; // px of the table: below, the worst endpoint stands on a second line

const columns: readonly Column<ServiceOutcome>[] = [
  {
    id: "state",
    head: "State",
    width: "120px",
    sort: (outcome) => -rankOf(outcome),
    cell: (outcome) => {
      const { tone, word, why } = standingOf(outcome);
      return <StateChip tone={tone} word={word} title={why} />;
    },
  },
  {
    id: "name",
    head: "Name",
    width: "minmax(96px, 1fr)",
    sort: ({ service }) => service.name,
    cell: ({ service }) => <b>{service.name}</b>,
  },
  {
    id: "serve",
    head: "Serve",
    width: "72px",
    end: true,
    sort: ({ counts }) => (counts.total ? counts.up / counts.total : 0),
    cell: ({ counts }) => (
      <span className="number">
        {count(counts.up)} of {count(counts.total)}
      </span>
    ),
  },
  {
    id: "why",
    head: "Worst endpoint",
    width: "minmax(0, 2.4fr)",
    from: WHOLE,
    cell: (outcome) => <Worst outcome={outcome} />,
  },
  {
    id: "target",
    head: "Listens at",
    width: "minmax(112px, 1fr)",
    from: 760,
    sort: ({ service }) => targetText(service.target),
    cell: ({ service }) => <span className="mono">{targetText(service.target)}</span>,
  },
  {
    id: "on",
    head: "Runs on",
    width: "minmax(96px, 1fr)",
    from: 900,
    cell: ({ service }) => service.on.map(selectorText).join(", "),
  },
];

const keyOf = (outcome: ServiceOutcome) => outcome.service.name;
const text = (outcome: ServiceOutcome) =>
  [
    outcome.service.name,
    targetText(outcome.service.target),
    ...outcome.service.on.map(selectorText),
    standingOf(outcome).word,
    ...outcome.endpoints.map((endpoint) => endpoint.node),
  ].join(" ");

function Worst({ outcome }: { outcome: ServiceOutcome }) {
  const bad = worstOf(outcome.endpoints);
  const why = bad ? (
    <EndpointLine endpoint={bad} service={outcome.service} />
  ) : outcome.counts.total === 0 ? (
    outcome.advice[0]
  ) : null;
  return why ? <span className="muted">{why}</span> : null;
}

const brief = { below: WHOLE, line: (outcome: ServiceOutcome) => <Worst outcome={outcome} /> };

export function ServicesPage() {
  const services = useServices();
  const coming = useComing(keys.services);
  const may = useMayChange();
  const { key: name, open, close } = useOpened(keyOf);
  return (
    <Page title="Services" actions={may && <AddLink href={paths.addService()}>Add a service</AddLink>}>
      <Answered query={services} what="services" rows={8}>
        {(outcomes) =>
          outcomes.length === 0 ? (
            <NoServices />
          ) : (
            <DataTable
              label="Services"
              noun="service"
              rows={outcomes}
              rowKey={keyOf}
              columns={columns}
              badness={rankOf}
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
        <ServiceDrawer
          key={name}
          name={name}
          row={services.data?.find((outcome) => outcome.service.name === name)}
          onClose={close}
        />
      )}
    </Page>
  );
}

function NoServices() {
  return (
    <Empty
      title="No service is published yet"
      action={
        <Button component={Link} href={paths.addService()} variant="filled">
          Add a service
        </Button>
      }
    >
      <p>A service is what runs on one edge or many, at the same place on each. Routes lead to it, never to a node.</p>
      <Command text="gridwire service publish app --to 127.0.0.1:9000 --on tag:site=home" />
    </Empty>
  );
}
