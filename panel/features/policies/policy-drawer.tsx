"use client";
import dynamic from "next/dynamic";
import Link from "next/link";
import { crowdText } from "@/components/crowd";
import { NounDrawer } from "@/components/noun-drawer";
import { Section } from "@/components/page";
import { Answered } from "@/components/states";
import { Tag } from "@/components/tag";
import { useRoutesWhere } from "@/features/routes/queries";
import type { PolicyOutcome } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { readPolicy, removePolicy, usePolicy } from "./queries";

const PolicyForm = dynamic(() => import("./policy-form").then((found) => found.PolicyForm), { ssr: false });

export function PolicyDrawer({ outcome, onClose }: { outcome: PolicyOutcome; onClose: () => void }) {
  const { name } = outcome.policy;
  return (
    <NounDrawer
      noun="policy"
      name={name}
      query={usePolicy(name)}
      reread={readPolicy}
      remove={removePolicy}
      removal="A route that names it has to be changed first."
      form={(given) => <PolicyForm {...given} />}
      onClose={onClose}
    >
      {() => <Detail outcome={outcome} />}
    </NounDrawer>
  );
}

function Detail({ outcome }: { outcome: PolicyOutcome }) {
  const { policy, can } = outcome;
  const routes = useRoutesWhere(`"allow:policy:${policy.name}"`);
  const others = can.count - can.nodes.length;
  return (
    <>
      <Section title="Lets in">
        <p>
          {policy.allow.length === 0
            ? "Nobody: it is empty, and so closed."
            : policy.allow.map((selector) => <Tag key={selectorText(selector)}>{selectorText(selector)}</Tag>)}
        </p>
      </Section>
      <Section title="Nodes that are so now">
        {can.count === 0 ? (
          <p className="muted">None.</p>
        ) : (
          <ul>
            {can.nodes.map((node) => (
              <li key={node}>
                <Link href={paths.nodes({ name: node })} prefetch={false}>
                  {node}
                </Link>
              </li>
            ))}
            {others > 0 && <li className="muted">{crowdText(can)} in all</li>}
          </ul>
        )}
      </Section>
      <Section title="Routes that it opens">
        <Answered query={routes} what="routes" rows={1}>
          {(all) =>
            all.length === 0 ? (
              <p className="muted">None.</p>
            ) : (
              <ul>
                {all.map(({ route, url }) => (
                  <li key={route.name}>
                    <Link href={paths.routes({ name: route.name })} prefetch={false}>
                      {route.name}
                    </Link>{" "}
                    <span className="muted">{url}</span>
                  </li>
                ))}
              </ul>
            )
          }
        </Answered>
      </Section>
    </>
  );
}
