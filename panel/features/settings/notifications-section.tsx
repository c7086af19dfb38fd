"use client";
/** What is wrong now, who is told of it and whether that works, and when nobody is. */
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Command } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { Section } from "@/components/page";
import { Shape, StateChip } from "@/components/state-chip";
import { Answered, Empty, ProblemNotice, sentence } from "@/components/states";
import { Time } from "@/components/time";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { AlertView, Notification } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { useMayChange } from "@/lib/session-query";
import { useAct } from "./act";
import { AddingSection } from "./adding-section";
import { ALERTS } from "./destination";
import { DestinationForm } from "./destination-form";
import { MaintenanceForm } from "./maintenance-form";
import { useAlerts, useMaintenance, useNotifications } from "./queries";
import classes from "./settings-page.module.css";

export function NotificationsSection() {
  return (
    <>
      <AlertsNow />
      <Destinations />
      <Windows />
    </>
  );
}

function AlertsNow() {
  const alerts = useAlerts();
  return (
    <Section title="Wrong now">
      <Answered query={alerts} what="alerts" rows={2}>
        {(open) =>
          open.length === 0 ? <p className="muted">Nothing that anybody is told of.</p> : <AlertList open={open} />
        }
      </Answered>
    </Section>
  );
}

function AlertList({ open }: { open: readonly AlertView[] }) {
  return (
    <ul className={classes.list}>
      {open.map((alert) => (
        <li key={`${alert.kind}/${alert.subject}`}>
          <Shape tone={alert.silent ? "off" : "bad"} />
          <b>{alert.subject}</b>
          <span>{sentence(alert.what)}</span>
          <span className="muted">
            since <Time at={alert.since} />
            {alert.silent && ", in maintenance: nobody is told"}
            {alert.flaps && ", comes and goes: told once until it rests"}
          </span>
          <span className="muted">{sentence(alert.fix)}</span>
        </li>
      ))}
    </ul>
  );
}

function Destinations() {
  const notifications = useNotifications();
  const may = useMayChange();
  return (
    <AddingSection
      title="Who is told"
      button="Add a destination…"
      dialog="Add a destination"
      may={may}
      form={(close) => <DestinationForm onDone={close} />}
    >
      <Answered query={notifications} what="destinations" rows={2}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nobody is told when something breaks">
              <p>
                A node down, a route that fails, a certificate near its end, a finding of the perimeter: told once, and
                when it is over, by webhook, ntfy or mail.
              </p>
              <Command text="gridwire notify add phone --ntfy https://ntfy.sh" />
            </Empty>
          ) : (
            <ul className={classes.list}>
              {all.map((notification) => (
                <One key={notification.name} notification={notification} may={may} />
              ))}
            </ul>
          )
        }
      </Answered>
    </AddingSection>
  );
}

function One({ notification, may }: { notification: Notification; may: boolean }) {
  const { name, delivery, waiting } = notification;
  const [removal, setRemoval] = useState<Change | null>(null);
  const [changing, setChanging] = useState(false);
  const test = useAct(
    () => answer(api.POST("/api/v1/notifications/{name}/test", { params: { path: { name } } })),
    () => `Something was sent to ${name}`,
  );
  const bad = (delivery && !delivery.ok) || waiting > 0;
  return (
    <li>
      <StateChip
        tone={delivery === null ? "working" : bad ? "bad" : "healthy"}
        word={delivery === null ? "never tried" : delivery.ok ? "delivers" : "does not deliver"}
      />
      <b>{name}</b>
      <span className="muted">
        {notification.kind} {notification.told}
        {notification.only.length > 0 && `, only where ${notification.only.map((kind) => ALERTS[kind]).join(" or ")}`}
      </span>
      {delivery && (
        <span className="muted">
          <Time at={delivery.at} />: {delivery.what || "delivered"}
        </span>
      )}
      {waiting > 0 && <span>{plural(waiting, "notice")} wait</span>}
      {may && (
        <span className={classes.acts}>
          <Button size="xs" loading={test.isPending} onClick={() => test.mutate(undefined)}>
            Test
          </Button>
          <Button size="xs" onClick={() => setChanging(true)}>
            Change…
          </Button>
          <Button size="xs" color="bad" onClick={() => setRemoval(removing(name))}>
            Remove…
          </Button>
        </span>
      )}
      {test.data && !test.data.ok && <p role="alert">It was not delivered: {test.data.what}</p>}
      {test.error && <ProblemNotice problem={asProblem(test.error)} />}
      <ChangeDialog change={removal} onClose={() => setRemoval(null)} />
      <Dialog title={`Change ${name}`} opened={changing} onClose={() => setChanging(false)}>
        {changing && <DestinationForm known={notification} onDone={() => setChanging(false)} />}
      </Dialog>
    </li>
  );
}

function removing(name: string): Change {
  return {
    title: `Remove ${name}`,
    verb: `Remove ${name}`,
    done: `${name} is told nothing any more`,
    etag: null,
    unpreviewed: true,
    send: () => answer(api.DELETE("/api/v1/notifications/{name}", { params: { path: { name } } })),
    destructive: { name, says: "What still waits to be sent there is dropped." },
  };
}

function Windows() {
  const windows = useMaintenance();
  const may = useMayChange();
  const end = useAct(
    (number: string) => answer(api.DELETE("/api/v1/maintenance/{number}", { params: { path: { number } } })),
    () => "Maintenance is over: what is still wrong is told",
  );
  return (
    <AddingSection
      title="Maintenance"
      button="Plan a window…"
      dialog="Plan a maintenance window"
      may={may}
      form={(close) => <MaintenanceForm onDone={close} />}
    >
      {end.error && <ProblemNotice problem={asProblem(end.error)} />}
      <Answered query={windows} what="maintenance" rows={1}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">None: whatever breaks is told.</p>
          ) : (
            <ul className={classes.list}>
              {all.map(({ id, window: { of, begins, ends, reason }, author }) => (
                <li key={id}>
                  <b>{of}</b>
                  <span className="muted">
                    <Time at={begins} /> to <Time at={ends} />, {reason || "no reason given"}, by {author}
                  </span>
                  {may && (
                    <Button size="xs" onClick={() => end.mutate(id)}>
                      End it
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </AddingSection>
  );
}
