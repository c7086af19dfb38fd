/** What can be done to a node, as changes that are previewed first. */
import type { QueryClient } from "@tanstack/react-query";
import type { Change } from "@/components/change-dialog";
import type { Tagged } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { NodeView } from "@/lib/api/types";
import { keys } from "@/lib/query";
import { approveNode, cancelInvitation, changeNode, readNode, revokeNode } from "./queries";

export function drain({ value, etag }: Tagged<NodeView>): Change {
  const { name } = value.node;
  const drained = !value.node.drained;
  return {
    title: drained ? `Drain ${name}` : `Take ${name} back into use`,
    verb: drained ? "Drain" : "Take back",
    done: drained ? `${name} is drained` : `${name} is in use again`,
    etag,
    send: (ask) => changeNode(name, { drained }, ask),
    theirs: () => readNode(name),
    mine: { ...value, node: { ...value.node, drained } },
  };
}

export function tagging({ value, etag }: Tagged<NodeView>, tags: [string, string][]): Change {
  const { name } = value.node;
  return {
    title: `Tags of ${name}`,
    verb: "Apply",
    done: `The tags of ${name} are changed`,
    etag,
    send: (ask) => changeNode(name, { tags }, ask),
    theirs: () => readNode(name),
    mine: { ...value, node: { ...value.node, tags } },
  };
}

export function approval(name: string, etag: string | null): Change {
  return {
    title: `Approve ${name}`,
    verb: "Approve",
    done: `${name} is in`,
    etag,
    send: (ask) => approveNode(name, ask),
    theirs: () => readNode(name),
  };
}

export function cancellation(name: string): Change {
  return {
    title: `Take back the invitation of ${name}`,
    verb: "Take it back",
    done: `The invitation of ${name} is taken back: its token is worth nothing`,
    etag: null,
    send: ({ preview }) => cancelInvitation(name, { preview }),
  };
}

export function revocation({ value, etag }: Tagged<NodeView>, client: QueryClient): Change {
  const { name, state } = value.node;
  const again = state === "revoking";
  return {
    title: again ? `Cut ${name} off, asked again` : `Revoke ${name}`,
    verb: `Revoke ${name}`,
    done: `${name} is revoked`,
    etag,
    unpreviewed: again,
    send: (ask) =>
      revokeNode(name, ask).catch((error: unknown) => {
        // It is marked and being cut: what the list says of it is old by now.
        if (asProblem(error).code === "not-finished") void client.invalidateQueries({ queryKey: keys.nodes });
        throw error;
      }),
    theirs: () => readNode(name),
    mine: { ...value, node: { ...value.node, state: "revoking" } },
    ...(again
      ? {}
      : {
          destructive: {
            name,
            says: "Every gateway cuts its tunnel and what goes through it. Its key and address are never given again: to come back, it is invited anew.",
          },
        }),
  };
}
