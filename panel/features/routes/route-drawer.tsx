"use client";
import { Button } from "@mantine/core";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Copyable } from "@/components/copy";
import { crowdText } from "@/components/crowd";
import { Drawer } from "@/components/drawer";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Tag } from "@/components/tag";
import { EndpointList } from "@/features/services/endpoint-list";
import type { Tagged } from "@/lib/api/client";
import type { Route, RouteOutcome } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useMayChange, useSession } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { ExplanationView } from "./explanation-view";
import { readRoute, removeRoute, useExplanation, useRoute } from "./queries";
import { RouteForm } from "./route-form";
import { routeState } from "./route-state";

export function RouteDrawer(props: { name: string; outcome: RouteOutcome | undefined; onClose: () => void }) {
  const { name, outcome } = props;
  const read = useRoute(name);
  const url = useUrlState();
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const editing = may && url.get("show") === "edit";
  const stated = outcome && routeState(outcome);
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
            <RouteForm
              key={found.etag}
              read={found}
              onDone={() => url.set({ show: null })}
              onCancel={() => url.set({ show: null })}
            />
          ) : (
            <Detail route={found.value} outcome={outcome} />
          )
        }
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={props.onClose} />
    </Drawer>
  );
}

function removal({ value, etag }: Tagged<Route>): Change {
  const { name } = value;
  return {
    title: `Remove route ${name}`,
    verb: `Remove ${name}`,
    done: `Route ${name} is removed`,
    etag,
    send: (ask) => removeRoute(name, ask),
    theirs: () => readRoute(name),
    mine: value,
    destructive: { name, says: "Whoever opens it is refused at once; what is under way on it is cut." },
  };
}

function Detail({ route, outcome }: { route: Route; outcome: RouteOutcome | undefined }) {
  return (
    <>
      {outcome && <ForMe outcome={outcome} />}
      {outcome?.advice.map((line) => (
        <p key={line}>{sentence(line)}</p>
      ))}
      <Facts>
        {outcome && (
          <Fact name="Opened at">
            <Copyable text={outcome.url} what="the URL" />
          </Fact>
        )}
        <Fact name="Leads to">
          <Link href={paths.services({ name: route.to })}>{route.to}</Link>
        </Fact>
        <Fact name="Allows">
          {route.allow.length === 0
            ? "nobody: it is closed"
            : route.allow.map((selector) => <Tag key={selectorText(selector)}>{selectorText(selector)}</Tag>)}
        </Fact>
        {outcome && <Fact name="Can open it">{crowdText(outcome.can)}</Fact>}
        {outcome && outcome.cannot.count > 0 && <Fact name="Cannot">{crowdText(outcome.cannot)}</Fact>}
      </Facts>
      {outcome && (
        <Section title="Endpoints">
          <EndpointList endpoints={outcome.endpoints} />
        </Section>
      )}
    </>
  );
}

/** Whether it works for the device that reads this: the question that people come with. */
function ForMe({ outcome }: { outcome: RouteOutcome }) {
  const node = useSession().data?.node ?? "";
  const explanation = useExplanation(node ? { node, method: "GET", url: outcome.url } : null);
  if (!node) return null;
  return (
    <Section
      title={`For this device, ${node}`}
      aside={<Link href={paths.tryRequest({ node, url: outcome.url })}>as another…</Link>}
    >
      <Answered query={explanation} what="whether it works for this device">
        {(found) => <ExplanationView explanation={found} short />}
      </Answered>
    </Section>
  );
}
