"use client";
/** Both ends of a join, live: which step, whom it waits for, and where it is stuck the likely cause. */
import { Button } from "@mantine/core";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { StateChip } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Steps } from "@/components/steps";
import { Time } from "@/components/time";
import type { Progress } from "@/lib/api/types";
import { relative } from "@/lib/format";
import { useNow } from "@/lib/now";
import { paths } from "@/lib/paths";
import { useMayChange } from "@/lib/session-query";
import { endOf, stepsOf } from "./invitation-state";
import { approval } from "./node-changes";
import { readNode, useInvitation } from "./queries";

/** `asks`: a yes can be given here; else it is given beside it. */
export function InvitationProgress({ name, asks = true }: { name: string; asks?: boolean }) {
  const invitation = useInvitation(name);
  return (
    <Answered query={invitation} what="how far it has come" rows={4}>
      {(progress) => <Followed progress={progress} asks={asks} />}
    </Answered>
  );
}

function Followed({ progress, asks }: { progress: Progress; asks: boolean }) {
  const now = useNow();
  const end = endOf(progress, now);
  const stuck = progress.state !== "pending" && progress.likely_cause !== "";
  return (
    <>
      <Steps label={`How far ${progress.node} has come`} steps={stepsOf(progress, now)}>
        {(step) => {
          if (step.state !== "now" && step.state !== "wrong") return null;
          if (step.id === "yes") return <Yes progress={progress} asks={asks} />;
          return stuck && <p className="muted">{sentence(progress.likely_cause)}</p>;
        }}
      </Steps>
      <div role="status">
        {end === "in" ? (
          <Joined name={progress.node} role={progress.role} />
        ) : end === "expired" ? (
          <p>
            <StateChip tone="bad" word="expired" /> <Time at={progress.expires} />: its token is worth nothing.{" "}
            <Link href={paths.addNode({ kind: progress.role === "edge" ? "host" : "computer" })}>Invite again</Link>
          </p>
        ) : (
          end === null &&
          (progress.state === "invited" || progress.state === "redeemed") && <Countdown progress={progress} now={now} />
        )}
      </div>
    </>
  );
}

const SOON_MS = 5 * 60_000;

function Countdown({ progress, now }: { progress: Progress; now: number }) {
  const left = Date.parse(progress.expires) - now;
  return (
    <p className="muted">
      The token expires{" "}
      <time dateTime={progress.expires} aria-live="off">
        {now ? relative(progress.expires, now) : ""}
      </time>
      {now > 0 && left < SOON_MS && ", soon"}
    </p>
  );
}

function Yes({ progress, asks }: { progress: Progress; asks: boolean }) {
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const name = progress.node;
  return (
    <>
      <p className="muted">
        {progress.state === "quarantined"
          ? "Its invitation was used twice: somebody else may have the token. Approve it only where you know that the second one was you; else revoke it and invite again."
          : "It carries no traffic before. Is it the host that you meant?"}
      </p>
      {may && asks && (
        <div>
          <Button
            variant="filled"
            onClick={async () => {
              const { etag } = await readNode(name);
              setChange(approval(name, etag));
            }}
          >
            Approve…
          </Button>
        </div>
      )}
      <ChangeDialog change={change} onClose={() => setChange(null)} />
    </>
  );
}

function Joined({ name, role }: Pick<Progress, "role"> & { name: string }) {
  return (
    <p>
      <StateChip tone="healthy" word="joined" /> <Link href={paths.nodes({ name })}>{name}</Link>
      {role === "edge" && (
        <>
          {" "}
          is in. Next: <Link href={paths.addService()}>publish what runs there</Link>
        </>
      )}
    </p>
  );
}
