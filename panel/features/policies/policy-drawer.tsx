"use client";
import Link from "next/link";
import { NounDrawer } from "@/components/noun-drawer";
import { Section } from "@/components/page";
import { Tag } from "@/components/tag";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import type { PolicyRow } from "./policies-page";
import { PolicyForm } from "./policy-form";
import { readPolicy, removePolicy, usePolicy } from "./queries";

export function PolicyDrawer({ row, onClose }: { row: PolicyRow; onClose: () => void }) {
  const { name } = row.policy;
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
      {() => <Detail row={row} />}
    </NounDrawer>
  );
}

function Detail({ row }: { row: PolicyRow }) {
  return (
    <>
      <Section title="Lets in">
        <p>
          {row.policy.allow.length === 0
            ? "Nobody: it is empty, and so closed."
            : row.policy.allow.map((selector) => <Tag key={selectorText(selector)}>{selectorText(selector)}</Tag>)}
        </p>
      </Section>
      <Section title="Nodes that are so now">
        {row.nodes === null || row.nodes.length === 0 ? (
          <p className="muted">{row.nodes ? "None." : "Not known yet."}</p>
        ) : (
          <ul>
            {row.nodes.map(({ node }) => (
              <li key={node.name}>
                <Link href={paths.nodes({ name: node.name })}>{node.name}</Link>{" "}
                <span className="muted">{node.role}</span>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Routes that it opens">
        {row.routes === null || row.routes.length === 0 ? (
          <p className="muted">{row.routes ? "None." : "Not known yet."}</p>
        ) : (
          <ul>
            {row.routes.map(({ route, url }) => (
              <li key={route.name}>
                <Link href={paths.routes({ name: route.name })}>{route.name}</Link> <span className="muted">{url}</span>
              </li>
            ))}
          </ul>
        )}
      </Section>
    </>
  );
}
