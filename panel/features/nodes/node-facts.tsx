"use client";
/** What is known of a node, what it serves, and what users lose without it. */
import Link from "next/link";
import { Command, Copyable } from "@/components/copy";
import { Findings } from "@/components/findings";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { Tags } from "@/components/tag";
import { Time } from "@/components/time";
import { useOverview } from "@/features/overview/queries";
import { useRoutesWhere } from "@/features/routes/queries";
import { useServicesWhere } from "@/features/services/queries";
import { endpointState } from "@/features/services/service-state";
import type { NodeView, RouteOutcome } from "@/lib/api/types";
import { durationSeconds, plural, seconds } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./node-facts.module.css";
import { lossOf, ownOf } from "./node-loss";

const CLOCK_OFF_S = 2; // less is the way here, and a busy host

export function NodeFacts({ view }: { view: NodeView }) {
  const { node } = view;
  const runsAgent = node.role === "edge" || node.role === "gateway";
  return (
    <>
      {view.findings.length > 0 && (
        <Section title="Findings">
          <Findings findings={view.findings} />
        </Section>
      )}
      {node.role === "edge" && <Served node={node.name} down={view.connected === false || view.unreached !== ""} />}
      {node.role === "gateway" && <AtGateway />}
      <Facts>
        <Fact name="Role">{node.role}</Fact>
        <Fact name="Address">
          <Copyable text={node.address} what="the address" />
        </Fact>
        <Fact name="Tags">
          <Tags tags={node.tags} />
        </Fact>
        {node.endpoint && (
          <Fact name="Called at">
            <Copyable text={node.endpoint} what="the endpoint" />
          </Fact>
        )}
        {node.role !== "gateway" && <Tunnel view={view} />}
        <Fact name="Last report">
          <Time at={view.reported_at} never={runsAgent ? "never" : "runs no agent"} />
        </Fact>
        <Fact name="Agent">{view.agent_version || <span className="muted">none</span>}</Fact>
        <Fact name="Clock">{clockText(view)}</Fact>
        <Fact name="Spec in force">
          {view.version ? (
            <Link href={paths.revisions({ number: view.version[1] })}>
              revision {view.version[1]}
              {view.behind ? ", behind" : ""}
            </Link>
          ) : (
            <span className="muted">unknown</span>
          )}
        </Fact>
        {node.tailnet && (
          <Fact name="On the tailnet">
            {node.tailnet.name}
            {node.tailnet.login && `, of ${node.tailnet.login}`}
          </Fact>
        )}
        {node.public_key && (
          <Fact name="Public key">
            <Copyable text={node.public_key} what="the public key" />
          </Fact>
        )}
      </Facts>
      {node.role === "edge" && <Reach view={view} />}
    </>
  );
}

function Tunnel({ view }: { view: NodeView }) {
  const state = view.connected === null ? "unknown" : view.connected ? "up" : "down";
  return (
    <Fact name="Tunnel">
      {state}, last handshake <Time at={view.latest_handshake} />
    </Fact>
  );
}

function clockText(view: NodeView): React.ReactNode {
  const ahead = durationSeconds(view.ahead);
  if (ahead === null) return <span className="muted">unknown</span>;
  if (Math.abs(ahead) < CLOCK_OFF_S) return "as control's";
  return `${seconds(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} control's`;
}

function Reach({ view }: { view: NodeView }) {
  return (
    <Section title="Lets be published">
      {view.reach.length === 0 ? (
        <>
          <p className="muted">
            {view.reported_at ? "Nothing: its own list is empty." : "Not known before it reports."}
          </p>
          <Command text="gridwire reach add 127.0.0.1:9000" what="the command to run there" />
        </>
      ) : (
        <ul>
          {view.reach.map((reach) => (
            <li key={JSON.stringify(reach)} className="mono">
              {reachText(reach)}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** As it is written on its command line. */
export function reachText(reach: NodeView["reach"][number]): string {
  if (reach.kind === "unix") return `unix:${reach.path}`;
  const whole = reach.prefix.replace(/\/(32|128)$/, "");
  const host = whole.includes(":") ? `[${whole}]` : whole;
  const ports = reach.first_port === reach.last_port ? `${reach.first_port}` : `${reach.first_port}-${reach.last_port}`;
  return `${host}:${ports}`;
}

/** Services that run there with their health, and the routes that hang on it. */
function Served({ node, down }: { node: string; down: boolean }) {
  const services = useServicesWhere(`node:${node}`);
  const routes = useRoutesWhere(`node:${node}`);
  return (
    <>
      <Section title={down ? "What users lose" : "What users would lose without it"}>
        <Answered query={routes} what="routes" rows={1}>
          {(all) => {
            const { lost, thinner } = lossOf(node, all);
            if (lost.length + thinner.length === 0)
              return <p className="muted">No route: nothing of it is routed to.</p>;
            return (
              <ul className={classes.list}>
                {lost.map((route) => (
                  <RouteLine
                    key={route.route.name}
                    route={route}
                    tone={down ? "bad" : "off"}
                    word="nobody else serves it"
                  />
                ))}
                {thinner.map((route) => (
                  <RouteLine
                    key={route.route.name}
                    route={route}
                    tone="off"
                    word={`${plural(route.counts.up - Number(ownOf(node, route).health === "up"), "other")} serve on`}
                  />
                ))}
              </ul>
            );
          }}
        </Answered>
      </Section>
      <Section title="Services it runs">
        <Answered query={services} what="services" rows={1}>
          {(all) => {
            if (all.length === 0) return <p className="muted">None selects it.</p>;
            return (
              <ul className={classes.list}>
                {all.map((outcome) => {
                  const { service } = outcome;
                  const { tone, word, why } = endpointState(ownOf(node, outcome));
                  return (
                    <li key={service.name}>
                      <StateChip tone={tone} word={word} />
                      <Link href={paths.services({ name: service.name })}>{service.name}</Link>
                      {why && <span className={classes.why}>{why}</span>}
                    </li>
                  );
                })}
              </ul>
            );
          }}
        </Answered>
      </Section>
    </>
  );
}

function RouteLine(props: { route: RouteOutcome; tone: "bad" | "off"; word: string }) {
  const { route } = props.route;
  return (
    <li>
      <Link href={paths.routes({ name: route.name })}>{props.route.url}</Link>
      <StateChip tone={props.tone} word={props.word} />
    </li>
  );
}

/** Every route goes through a gateway. */
function AtGateway() {
  const overview = useOverview();
  return (
    <Section title="What users would lose without it">
      <Answered query={overview} what="routes" rows={1}>
        {({ routes }) => (
          <p>
            <Link href={paths.routes()}>{plural(routes, "route")}</Link>, unless another gateway answers their name.
          </p>
        )}
      </Answered>
    </Section>
  );
}
