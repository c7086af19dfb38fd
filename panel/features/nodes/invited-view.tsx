"use client";
/** What is run on the other side, with the token that is shown once, and both ends live beside it. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Command } from "@/components/copy";
import { Section } from "@/components/page";
import { Secret } from "@/components/secret";
import { paths } from "@/lib/paths";
import { useMayChange } from "@/lib/session-query";
import classes from "./add-node.module.css";
import { InvitationProgress } from "./invitation-progress";
import type { Made } from "./invite-form";
import { cancellation } from "./node-changes";
import { INSTALL } from "./node-draft";
import { useInvitation } from "./queries";

/** `made`: none after a reload, for the token is kept nowhere. */
export function InvitedView({ name, made, onGone }: { name: string; made: Made | null; onGone: () => void }) {
  return (
    <div className={classes.two}>
      <Section title={made ? `On ${made.replaces ?? name}, as root` : `The invitation of ${name}`}>
        {made ? <OtherSide made={made} /> : <Gone name={name} />}
        <TakeBack name={name} onGone={onGone} />
      </Section>
      <Section title="How far it has come" aside="live, from both ends">
        <InvitationProgress name={name} />
      </Section>
    </div>
  );
}

function OtherSide({ made }: { made: Made }) {
  return (
    <ol className={classes.todo}>
      <li>
        <details className={classes.more}>
          <summary>Install gridwire, if it is not there yet</summary>
          <Command text={INSTALL} what="the lines that install it" />
        </details>
      </li>
      <li>
        <p>It asks for the token:</p>
        <Command text={made.command} />
      </li>
      <li>
        <Secret
          text={made.token}
          what="the token"
          note="Its secret half was made in this browser and sent nowhere. Paste it where join asks, never into a command line."
        />
      </li>
      <li>
        <p>Then it starts by itself, from now on:</p>
        <Command text={made.role === "edge" ? "gridwire install --role edge" : "gridwire install"} />
      </li>
      {made.replaces && (
        <li>
          <p className="muted">
            When it joins it takes the name, tags and services of {made.replaces}; the old {made.replaces} is revoked at
            that moment.
          </p>
        </li>
      )}
    </ol>
  );
}

function Gone({ name }: { name: string }) {
  const invitation = useInvitation(name);
  if (invitation.data?.state !== "invited") return null;
  return (
    <p className="muted">
      Its token was shown once, when it was made, and is kept nowhere. If it is lost, take the invitation back and
      invite again; it costs nothing.
    </p>
  );
}

function TakeBack({ name, onGone }: { name: string; onGone: () => void }) {
  const invitation = useInvitation(name);
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  return (
    <>
      <div className={classes.actions}>
        {may && invitation.data?.state === "invited" && (
          <Button onClick={() => setChange(cancellation(name))}>Take the invitation back…</Button>
        )}
        <Button component={Link} href={paths.nodes({ name })}>
          To its page
        </Button>
      </div>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={onGone} />
    </>
  );
}
