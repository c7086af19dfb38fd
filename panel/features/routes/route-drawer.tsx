"use client";
import dynamic from "next/dynamic";
import Link from "next/link";
import { Copyable } from "@/components/copy";
import { crowdText } from "@/components/crowd";
import { NounDrawer } from "@/components/noun-drawer";
import { Fact, Facts, Section } from "@/components/page";
import { Answered, sentence } from "@/components/states";
import { Tag } from "@/components/tag";
import { EndpointList } from "@/features/services/endpoint-list";
import type { Route, RouteOutcome } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useSession } from "@/lib/session-query";
import { ExplanationView } from "./explanation-view";
import { readRoute, removeRoute, useExplanation, useRoute, useRoutesWhere } from "./queries";
import { routeState } from "./route-state";

const RouteForm = dynamic(() => import("./route-form").then((found) => found.RouteForm), { ssr: false });

/** `row`: what the list tells of it, until all that a drawer shows is there. */
export function RouteDrawer(props: { name: string; row: RouteOutcome | undefined; onClose: () => void }) {
  const { name } = props;
  const outcome = useRoutesWhere(`name:${name}`).data?.find((one) => one.route.name === name) ?? props.row;
  return (
    <NounDrawer
      noun="route"
      name={name}
      stated={outcome && routeState(outcome)}
      query={useRoute(name)}
      reread={readRoute}
      remove={removeRoute}
      removal="Whoever opens it is refused at once; what is under way on it is cut."
      form={(given) => <RouteForm {...given} />}
      onClose={props.onClose}
    >
      {(route) => <Detail route={route} outcome={outcome} />}
    </NounDrawer>
  );
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
