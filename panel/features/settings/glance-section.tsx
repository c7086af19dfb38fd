"use client";
/** Who can log in, from where, what expires, and what is kept for a bad day: each in a line, before any tab is opened. */
import Link from "next/link";
import { Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { Time } from "@/components/time";
import { useNodes } from "@/features/nodes/queries";
import { absolute, count, plural } from "@/lib/format";
import { useNow } from "@/lib/now";
import { paths } from "@/lib/paths";
import { useSession } from "@/lib/session-query";
import { type Expiring, endingOf, expiring } from "./expiry";
import { operatorState } from "./operators-section";
import { useCertificates, useOperators, useTokens } from "./queries";
import classes from "./settings-page.module.css";

const MOST = 12;

export function GlanceSection() {
  return (
    <>
      <WhoCanLogIn />
      <WhatExpires />
      <Section title="Backups">
        <p>
          <StateChip tone="unknown" word="none that gridwire knows of" />
        </p>
        <p className="muted">
          Gridwire makes no backups yet, so none was ever tested. What the grid is lies on each gateway under
          /var/lib/gridwire; keep a copy of it that only root can read.
        </p>
      </Section>
    </>
  );
}

function WhoCanLogIn() {
  const operators = useOperators();
  const nodes = useNodes().data;
  const session = useSession();
  const devices = nodes?.filter(({ node }) => node.role === "operator" && node.state === "active") ?? [];
  return (
    <Section title="Who can log in" aside={<Link href={paths.settings({ show: "operators" })}>Operators</Link>}>
      <Answered query={operators} what="operators" rows={2}>
        {(all) => (
          <ul className={classes.list}>
            {all.slice(0, MOST).map((operator) => {
              const { tone, word } = operatorState(operator);
              return (
                <li key={operator.name}>
                  <StateChip tone={tone} word={word} />
                  <b>
                    {operator.name}
                    {operator.name === session.data?.operator && <span className="muted"> (you)</span>}
                  </b>
                  <span className="muted">
                    by password{operator.codes && " and code"}
                    {operator.passkeys > 0 && `, or ${plural(operator.passkeys, "passkey")}`}; last{" "}
                    <Time at={operator.logged_in} />
                  </span>
                </li>
              );
            })}
          </ul>
        )}
      </Answered>
      {devices.length > 0 && (
        <p className="muted">
          From {plural(devices.length, "device")} of role operator:{" "}
          {devices
            .slice(0, MOST)
            .map(({ node }) => node.name)
            .join(", ")}
          {devices.length > MOST && ` and ${count(devices.length - MOST)} more`}; and as root on a gateway.
        </p>
      )}
    </Section>
  );
}

function WhatExpires() {
  const certificates = useCertificates();
  const tokens = useTokens();
  const operators = useOperators();
  return (
    <Section
      title="What expires, the next first"
      aside={<Link href={paths.settings({ show: "certificates" })}>Certificates</Link>}
    >
      <Answered query={certificates} what="certificates" rows={2}>
        {(shown) => <Expirings all={expiring(shown, tokens.data ?? [], operators.data ?? [])} />}
      </Answered>
    </Section>
  );
}

function Expirings({ all: found }: { all: readonly Expiring[] }) {
  const now = useNow();
  const all = found.filter(({ meant, at }) => !meant || Date.parse(at) > now);
  if (all.length === 0) return <p className="muted">Nothing does: no certificate, token or one-time link is in use.</p>;
  return (
    <ul className={classes.list}>
      {all.slice(0, MOST).map(({ id, what, at, renewed, note, meant }) => {
        const ending = now ? endingOf(at, now, renewed) : null;
        return (
          <li key={id}>
            {ending && <StateChip tone={meant ? "off" : ending.tone} word={ending.word} />}
            <b>{what}</b>
            <span className="muted">
              {absolute(at)}
              {note && `, ${note}`}
            </span>
          </li>
        );
      })}
      {all.length > MOST && <li className="muted">And {count(all.length - MOST)} that end later.</li>}
    </ul>
  );
}
