"use client";
/** What is added, then how. Each step has its URL; a token or key has none, so a reload shows what is left to do. */
import { useRouter } from "next/navigation";
import { useState } from "react";
import { MayChange } from "@/components/may-change";
import { Page } from "@/components/page";
import { Answered } from "@/components/states";
import { paths } from "@/lib/paths";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import classes from "./add-node.module.css";
import { DeviceForm, type MadeDevice } from "./device-form";
import { DeviceReady } from "./device-ready";
import { InviteForm, type Made } from "./invite-form";
import { InvitedView } from "./invited-view";
import { useNetwork, useNode, useNodes } from "./queries";
import { TailnetAdvice } from "./tailnet-advice";

const KINDS = [
  {
    id: "host",
    title: "A host that runs services",
    text: "An edge: gridwire runs there, calls the gateway, and opens no port.",
  },
  {
    id: "computer",
    title: "A laptop or server that uses routes",
    text: "A client or operator with gridwire: it knows the grid's names.",
  },
  {
    id: "device",
    title: "A phone, or any device with the WireGuard app",
    text: "A client or operator by a QR code or a file; nothing of gridwire runs there.",
  },
] as const;

type Kind = (typeof KINDS)[number]["id"];

const LEADS: Record<Kind, string> = {
  host: "a host that runs services",
  computer: "a laptop or server that uses routes",
  device: "a phone or device with the WireGuard app",
};

export function AddNodePage() {
  const url = useUrlState();
  const network = useNetwork();
  const may = useMayChange();
  const kind = KINDS.find(({ id }) => id === url.get("kind"))?.id;
  const replace = url.get("replace");
  const lead = replace ? `a host in the place of ${replace}` : kind && LEADS[kind];
  return (
    <Page title="Add a node" lead={lead}>
      <Answered query={network} what="the network" rows={4}>
        {({ provider }) => {
          if (provider === "tailscale") return <OnTailnet may={may} />;
          return (
            <MayChange looks={url.get("step") === "wait"}>
              {replace ? <Replacing name={replace} /> : kind === "device" ? <Device /> : <Host kind={kind} />}
            </MayChange>
          );
        }}
      </Answered>
    </Page>
  );
}

function OnTailnet({ may }: { may: boolean }) {
  const nodes = useNodes();
  const gateway = nodes.data?.find(({ node }) => node.role === "gateway")?.node;
  return <TailnetAdvice gateway={gateway?.tailnet?.name ?? gateway?.name ?? "GATEWAY"} may={may} />;
}

function Choice() {
  const url = useUrlState();
  return (
    <ul className={classes.choice} aria-label="What is added">
      {KINDS.map(({ id, title, text }) => (
        <li key={id}>
          <button type="button" onClick={() => url.set({ kind: id }, { push: true })}>
            <b>{title}</b>
            <span>{text}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** By invitation. `kind` none: nothing is chosen yet, or the page was loaded again while it waits. */
function Host({ kind, replace = null }: { kind: "host" | "computer" | undefined; replace?: string | null }) {
  const url = useUrlState();
  const [made, setMade] = useState<Made | null>(null);
  const name = url.get("name");
  if (name && url.get("step") === "wait") {
    return (
      <InvitedView
        key={name}
        name={name}
        made={made?.name === name ? made : null}
        onGone={() => url.set({ step: null, name: null })}
      />
    );
  }
  if (!kind) return <Choice />;
  return (
    <InviteForm
      kind={kind}
      replace={replace}
      onMade={(next) => {
        setMade(next);
        url.set({ name: next.name, step: "wait" }, { push: true });
      }}
      onCancel={() => url.set({ kind: null, replace: null })}
    />
  );
}

function Replacing({ name }: { name: string }) {
  const old = useNode(name);
  return (
    <Answered query={old} what={name} rows={4}>
      {({ value }) => <Host kind={value.node.role === "edge" ? "host" : "computer"} replace={name} />}
    </Answered>
  );
}

function Device() {
  const url = useUrlState();
  const router = useRouter();
  const [made, setMade] = useState<MadeDevice | null>(null);
  const name = url.get("name");
  if (name && url.get("step") === "wait") {
    return <DeviceReady key={name} name={name} made={made?.name === name ? made : null} />;
  }
  return (
    <DeviceForm
      onMade={(next) => {
        setMade(next);
        url.set({ name: next.name, step: "wait" }, { push: true });
      }}
      onCancel={() => router.push(paths.addNode())}
    />
  );
}
