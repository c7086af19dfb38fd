"use client";
import { Button } from "@mantine/core";
import Link from "next/link";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Drawer } from "@/components/drawer";
import { Section } from "@/components/page";
import { Answered } from "@/components/states";
import { Tag } from "@/components/tag";
import type { Tagged } from "@/lib/api/client";
import type { Policy } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { selectorText } from "@/lib/selector";
import { useMayChange } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import type { PolicyRow } from "./policies-page";
import { PolicyForm } from "./policy-form";
import { readPolicy, removePolicy, usePolicy } from "./queries";

export function PolicyDrawer({ row, onClose }: { row: PolicyRow; onClose: () => void }) {
  const { name } = row.policy;
  const read = usePolicy(name);
  const url = useUrlState();
  const may = useMayChange();
  const [change, setChange] = useState<Change | null>(null);
  const editing = may && url.get("show") === "edit";
  return (
    <Drawer
      title={name}
      onClose={onClose}
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
      <Answered query={read} what={name} rows={6}>
        {(found) =>
          editing ? (
            <PolicyForm
              key={found.etag}
              read={found}
              onDone={() => url.set({ show: null })}
              onCancel={() => url.set({ show: null })}
            />
          ) : (
            <Detail row={row} />
          )
        }
      </Answered>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={onClose} />
    </Drawer>
  );
}

function removal({ value, etag }: Tagged<Policy>): Change {
  const { name } = value;
  return {
    title: `Remove policy ${name}`,
    verb: `Remove ${name}`,
    done: `Policy ${name} is removed`,
    etag,
    send: (ask) => removePolicy(name, ask),
    theirs: () => readPolicy(name),
    mine: value,
    destructive: { name, says: "A route that names it has to be changed first." },
  };
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
