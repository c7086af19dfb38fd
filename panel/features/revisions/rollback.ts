import type { Change } from "@/components/change-dialog";
import type { Tone } from "@/components/state-chip";
import type { Preview, Revision } from "@/lib/api/types";
import { count } from "@/lib/format";
import { readRevision, sendRollback } from "./queries";

/** Going back to `number`: a new revision, so that nothing is lost of what lies between. */
export async function rollback(number: number, newest: Revision): Promise<Change> {
  const { etag } = await readRevision(newest.number);
  return {
    title: `Roll back to revision ${count(number)}`,
    verb: "Roll back",
    done: `The grid is as in revision ${count(number)}`,
    etag,
    send: (ask) => sendRollback(number, ask),
  };
}

/** Whether anybody loses by it, in a line; what exactly stands below it. */
export function undoVerdict({ changes, difference }: Preview): { tone: Tone; word: string } {
  if (!changes) return { tone: "off", word: "nothing to undo: the grid is like that already" };
  const { cuts, losses, unserved, redirections, gains } = difference;
  if (cuts.length > 0) return { tone: "bad", word: "not without loss: connections are cut" };
  if (unserved.length > 0) return { tone: "bad", word: "not without loss: a service would be served by nobody" };
  if (losses.length > 0) return { tone: "warning", word: "not without loss: somebody can no longer open a route" };
  if (gains.length > 0) return { tone: "warning", word: "nobody loses by it, and somebody gains a route" };
  if (redirections.length > 0) return { tone: "warning", word: "nobody loses by it, and a route leads elsewhere" };
  return { tone: "healthy", word: "safe: nobody loses or gains a route, and nothing is cut" };
}
