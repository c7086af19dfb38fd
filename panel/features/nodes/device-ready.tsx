"use client";
/** A device's configuration, shown once, and whether it has called yet. */
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import Link from "next/link";
import { Section } from "@/components/page";
import { Secret } from "@/components/secret";
import { StateChip } from "@/components/state-chip";
import { Answered } from "@/components/states";
import { type Step, Steps } from "@/components/steps";
import { Time } from "@/components/time";
import type { NodeView } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import classes from "./add-node.module.css";
import type { MadeDevice } from "./device-form";
import { useFirstHandshake, useNetwork } from "./queries";

/** `made`: none after a reload, for the key is kept nowhere. */
export function DeviceReady({ name, made }: { name: string; made: MadeDevice | null }) {
  const node = useFirstHandshake(name);
  return (
    <div className={classes.two}>
      <Section title={`In the WireGuard app of ${name}`}>
        {made ? (
          <Secret
            text={made.config}
            what="the configuration"
            note="Scan it: Add tunnel, Create from QR code. Its private key was made in this browser and sent nowhere."
            codeFirst
            actions={
              <Button
                size="xs"
                leftSection={<IconDownload size={14} aria-hidden="true" />}
                onClick={() => download(made.config, `${name.slice(0, 15)}.conf`)}
              >
                Download .conf
              </Button>
            }
          />
        ) : (
          <p className="muted">
            Its configuration was shown once, when it was made, and its key is kept nowhere. If it is lost, revoke{" "}
            {name} and add it anew.
          </p>
        )}
        <Names />
      </Section>
      <Section title="How far it has come" aside="live">
        <Answered query={node} what="whether it called" rows={3}>
          {({ value }) => (
            <>
              <Steps label={`How far ${name} has come`} steps={called(value)}>
                {(step) =>
                  step.id === "call" &&
                  step.state === "now" && (
                    <p className="muted">
                      Switch the tunnel on in the app. If nothing comes within a minute, UDP is blocked where the device
                      is, or its clock is wrong.
                    </p>
                  )
                }
              </Steps>
              {value.latest_handshake && (
                <p role="status">
                  <StateChip tone="healthy" word="joined" /> <Link href={paths.nodes({ name })}>{name}</Link> called{" "}
                  <Time at={value.latest_handshake} />
                </p>
              )}
            </>
          )}
        </Answered>
        <div className={classes.actions}>
          <Button component={Link} href={paths.nodes({ name })}>
            To its page
          </Button>
        </div>
      </Section>
    </div>
  );
}

function called(view: NodeView): Step[] {
  const came = view.latest_handshake !== null;
  return [
    { id: "known", title: "Its key is known to every gateway", state: "done", waits: "" },
    {
      id: "call",
      title: "Its first handshake",
      state: came ? "done" : "now",
      waits: came ? "" : `waits for you, at ${view.node.name}`,
    },
  ];
}

/** Apps know nothing of the grid's own names. */
function Names() {
  const network = useNetwork();
  if (!network.data || network.data.suffix.includes(".")) return null;
  return (
    <p className="muted">
      Names under .{network.data.suffix} are known to nodes with an agent alone. For this device make a DNS record of a
      domain of yours that points to the gateway's mesh address, and a <Link href={paths.addRoute()}>route</Link> of
      that name.
    </p>
  );
}

/** A file made here: nothing is asked of anybody. */
function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
