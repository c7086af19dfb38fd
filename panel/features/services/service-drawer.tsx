"use client";
import { Button } from "@mantine/core";
import dynamic from "next/dynamic";
import Link from "next/link";
import { NounDrawer } from "@/components/noun-drawer";
import { Fact, Facts, Section } from "@/components/page";
import { sentence } from "@/components/states";
import { Tag } from "@/components/tag";
import type { Service, ServiceOutcome } from "@/lib/api/types";
import { milliseconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { EndpointList } from "./endpoint-list";
import { readService, removeService, useService, useServicesWhere } from "./queries";
import { targetText } from "./service-draft";
import { standingOf } from "./service-state";

const ServiceForm = dynamic(() => import("./service-form").then((found) => found.ServiceForm), { ssr: false });

/** `row`: what the list tells of it, until all that a drawer shows is there. */
export function ServiceDrawer(props: { name: string; row: ServiceOutcome | undefined; onClose: () => void }) {
  const { name } = props;
  const outcome = useServicesWhere(`name:${name}`).data?.find((one) => one.service.name === name) ?? props.row;
  return (
    <NounDrawer
      noun="service"
      name={name}
      stated={outcome && standingOf(outcome)}
      query={useService(name)}
      reread={readService}
      remove={removeService}
      removal="Nothing is routed to it any more. A route that leads there has to go first."
      actions={
        <Button size="xs" component={Link} href={paths.addRoute({ to: name })}>
          Route to it…
        </Button>
      }
      form={(given) => <ServiceForm {...given} nodes={outcome?.endpoints.map((endpoint) => endpoint.node) ?? []} />}
      onClose={props.onClose}
    >
      {(service) => <Detail service={service} outcome={outcome} />}
    </NounDrawer>
  );
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
          <EndpointList endpoints={outcome.endpoints} service={service} weights={Object.fromEntries(service.weights)} />
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
