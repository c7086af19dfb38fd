"use client";
/** From a gateway alone to the first route. Nothing is kept of it: it can be left and come back to at any step. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { Command } from "@/components/copy";
import { Page } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { Steps } from "@/components/steps";
import { InvitationProgress } from "@/features/nodes/invitation-progress";
import { useNodes } from "@/features/nodes/queries";
import { useRoutes } from "@/features/routes/queries";
import { useServices } from "@/features/services/queries";
import { plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { useMayChange, useSession } from "@/lib/session-query";
import classes from "./start-page.module.css";
import { isStarted, type StartStep, startSteps } from "./start-state";

export function StartPage() {
  const session = useSession();
  const nodes = useNodes();
  const services = useServices();
  const routes = useRoutes();
  return (
    <Page title="First run" lead="from a gateway alone to the first route">
      <Answered query={nodes} what="nodes" rows={5}>
        {(views) => (
          <Answered query={services} what="services" rows={5}>
            {(all) => (
              <Answered query={routes} what="routes" rows={5}>
                {(outcomes) => (
                  <Shown
                    steps={startSteps({
                      session: session.data ?? null,
                      nodes: views,
                      services: all,
                      routes: outcomes,
                    })}
                    url={outcomes.find(({ can }) => can.count > 0)?.url}
                  />
                )}
              </Answered>
            )}
          </Answered>
        )}
      </Answered>
    </Page>
  );
}

function Shown({ steps, url }: { steps: StartStep[]; url: string | undefined }) {
  const done = steps.filter(({ state }) => state === "done").length;
  return (
    <div className={classes.page}>
      {isStarted(steps) ? (
        <p role="status">
          <StateChip tone="healthy" word="all done" />
          {url && (
            <>
              {" "}
              Open <a href={url}>{url}</a> from a device on the mesh, or go to{" "}
              <Link href={paths.overview()}>Overview</Link>.
            </>
          )}
        </p>
      ) : (
        <p className="muted" role="status">
          {done} of {plural(steps.length, "step")} done. You can leave and come back: this page is read off the grid.
        </p>
      )}
      <Steps label="First run" steps={steps}>
        {(step) => {
          const at = steps.find(({ id }) => id === step.id);
          return at && (at.state === "now" || at.state === "wrong") ? <Do step={at} /> : null;
        }}
      </Steps>
    </div>
  );
}

/** What there is to do in the step that is waited for. */
function Do({ step }: { step: StartStep }) {
  const may = useMayChange();
  const { subject, joining } = step;
  if (step.id === "operator") {
    return (
      <>
        <p className="muted">On the gateway, as root. It prints a link that is used once, to choose a password by.</p>
        <Command text="gridwire operator add ada" />
      </>
    );
  }
  if (step.id === "device") {
    if (subject) return <Awaited name={subject} joining={joining} />;
    return (
      <>
        <p className="muted">
          Your phone by a QR code, or your laptop by a token. The panel and routes answer on the mesh.
        </p>
        <Deed may={may} href={paths.addNode({ kind: "device" })} text="Add a phone" />
        <Deed may={may} href={paths.addNode({ kind: "computer" })} text="Add a laptop" quiet />
        <Command text="gridwire invite phone --role client --qr" />
      </>
    );
  }
  if (step.id === "edge") {
    if (subject) return <Awaited name={subject} joining={joining} />;
    return (
      <>
        <p className="muted">The host that runs your service. One command there; no port is opened on it.</p>
        <Deed may={may} href={paths.addNode({ kind: "host" })} text="Add an edge" />
        <Command text="gridwire invite home-1 --role edge" />
      </>
    );
  }
  if (step.id === "service") {
    if (subject) return <Deed may href={paths.services({ name: subject })} text={`See ${subject}`} />;
    return (
      <>
        <p className="muted">What to reach on which edges, and how it is seen to be well.</p>
        <Deed may={may} href={paths.addService()} text="Publish a service" />
        <Command text="gridwire service publish wiki --to 127.0.0.1:9000 --on role:edge" />
      </>
    );
  }
  if (subject) return <Deed may href={paths.routes({ name: subject })} text={`See ${subject}`} />;
  return (
    <>
      <p className="muted">A name, and who may open it. Without an allow it is closed.</p>
      <Deed may={may} href={paths.addRoute()} text="Open a route" />
      <Command text="gridwire route add --host wiki --to wiki --allow role:client" />
    </>
  );
}

function Deed({ may, href, text, quiet }: { may: boolean; href: string; text: string; quiet?: boolean }) {
  if (!may) return null;
  return (
    <div>
      <Button component={Link} href={href} variant={quiet ? "default" : "filled"}>
        {text}
      </Button>
    </div>
  );
}

/** A node that is on its way: its own steps, live. */
function Awaited({ name, joining }: { name: string; joining: boolean }) {
  return (
    <>
      {joining && <InvitationProgress name={name} />}
      <div>
        <Button component={Link} href={paths.nodes({ name })}>
          See {name}
        </Button>
      </div>
    </>
  );
}
