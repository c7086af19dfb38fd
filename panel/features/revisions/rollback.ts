import type { Change } from "@/components/change-dialog";
import type { Revision } from "@/lib/api/types";
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
