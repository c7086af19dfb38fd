"use client";
import { Button } from "@mantine/core";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Drawer } from "@/components/drawer";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Tag } from "@/components/tag";
import type { Tagged } from "@/lib/api/client";
import type { Service, ServiceOutcome } from "@/lib/api/types";
import { milliseconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { EndpointList } from "./endpoint-list";
import { readService, removeService, useService } from "./queries";
import { targetText } from "./service-draft";
import { ServiceForm } from "./service-form";
import { standingOf } from "./service-state";

export function ServiceDrawer(props: { name: string; outcome: ServiceOutcome | undefined; onClose: () => void }) {
  const { name, outcome } = props;
  const read = useService(name);
  const url = useUrlState();
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const editing = may && url.get("show") === "edit";
  const stated = outcome && standingOf(outcome);
  return (
    <Drawer
      title={name}
      state={stated && <StateChip tone={stated.tone} word={stated.word} />}
      onClose={props.onClose}
      actions={
        may &&
        !editing &&
        read.data && (
          <>
            <Button size="xs" onClick={() => url.set({ show: "edit" }, { push: true })}>
              Edit…
            </Button>
            <Button size="xs" component={Link} href={paths.addRoute({ to: name })}>
              Route to it…
            </Button>
            <Button size="xs" color="bad" onClick={() => read.data && setChange(removal(read.data))}>
              Remove…
            </Button>
          </>
        )
      }
    >
      <Answered query={read} what={name} rows={8}>
        {(found) =>
          editing ? (
            <ServiceForm
              key={found.etag}
              read={found}
              nodes={outcome?.endpoints.map((endpoint) => endpoint.node) ?? []}
              onDone={() => url.set({ show: null })}
              onCancel={() => url.set({ show: null })}
            />
          ) : (
            <Detail service={found.value} outcome={outcome} />
          )
        }
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={props.onClose} />
    </Drawer>
  );
}

function removal({ value, etag }: Tagged<Service>): Change {
  const { name } = value;
  return {
    title: `Remove service ${name}`,
    verb: `Remove ${name}`,
    done: `Service ${name} is removed`,
    etag,
    send: (ask) => removeService(name, ask),
    theirs: () => readService(name),
    mine: value,
    destructive: { name, says: "Nothing is routed to it any more. A route that leads there has to go first." },
  };
}

function Detail({ service, outcome }: { service: Service; outcome: ServiceOutcome | undefined }) {
  const { health } = service;
  return (
    <>
      {outcome?.advice.map((line) => (
        <p key={line}>{sentence(line)}</p>
      ))}
      {outcome && (
        <Section title="Endpoints">
          <EndpointList endpoints={outcome.endpoints} weights={Object.fromEntries(service.weights)} />
        </Section>
      )}
      <Facts>
        <Fact name="Listens at" mono>
          {targetText(service.target)}
        </Fact>
        <Fact name="Runs on">
          {service.on.map((selector) => (
            <Tag key={selectorText(selector)}>{selectorText(selector)}</Tag>
          ))}
        </Fact>
        <Fact name="Health check">
          {health.kind === "http" ? `HTTP ${health.path}, ${health.status} passes` : "TCP connects"}, every{" "}
          {milliseconds(health.interval_ms)}
        </Fact>
        <Fact name="Balance">{service.balance}</Fact>
        <Fact name="Retries">{service.retries}</Fact>
        <Fact name="Timeouts">
          connect {milliseconds(service.connect_timeout_ms)}, read {milliseconds(service.read_timeout_ms)}
        </Fact>
      </Facts>
    </>
  );
}
