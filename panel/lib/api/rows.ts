/**
 * Lists of thousands. The worst rows are asked for first and shown at once; the whole list, page after page by name,
 * takes their place when it is there. `keys.coming` says meanwhile how many are yet to come.
 */
import type { QueryFunctionContext } from "@tanstack/react-query";
import { keys } from "@/lib/query";
import type { Listing } from "./types";

const FIRST = 100; // more than a screen, and control answers them in the tenth of a page's time
export const PAGE = 1000; // rows of one answer at most, so that 10,000 are ten answers and not one of megabytes

export interface Asked {
  limit: number;
  cursor?: string;
  sort?: string;
}

type Ask<T> = (asked: Asked) => Promise<Listing<T>>;

/** Every page of a list. */
export async function everyPage<T>(ask: Ask<T>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const listing = await ask({ limit: PAGE, ...(cursor ? { cursor } : {}) });
    for (const item of listing.items) items.push(item);
    cursor = listing.next ?? undefined;
  } while (cursor);
  return items;
}

/** The same of a list that control can put in the order of its standing; `context` of the query that it is of. */
export async function everyRow<T>(
  { client, queryKey }: Pick<QueryFunctionContext, "client" | "queryKey">,
  ask: Ask<T>,
): Promise<T[]> {
  const coming = keys.coming(queryKey);
  const known = client.getQueryData<T[]>(queryKey);
  if (known === undefined || known.length <= FIRST) {
    const first = await ask({ limit: FIRST, sort: "standing" });
    if (!first.next) {
      client.setQueryData(coming, 0);
      return first.items;
    }
    if (known === undefined) {
      client.setQueryData(coming, (first.total ?? 0) - first.items.length);
      client.setQueryData(queryKey, first.items);
    }
  }
  const items = await everyPage(ask);
  client.setQueryData(coming, 0);
  return items;
}
