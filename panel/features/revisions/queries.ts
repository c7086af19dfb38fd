import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import type { Preview } from "@/lib/api/types";
import type { Ask } from "@/lib/change";
import { keys } from "@/lib/query";

export const SHOWN = 1000; // the newest; older ones: gridwire revision list

export function useRevisions() {
  return useQuery({
    queryKey: keys.revisions,
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/api/v1/revisions", { params: { query: { limit: SHOWN } }, signal }))).items,
  });
}

/** What the revision is that an earlier one was not; unless told, the one before it. Never changes. */
export function useRevisionDifference(number: number, since?: number) {
  return useQuery({
    queryKey: [...keys.revision(number), "difference", since ?? null],
    queryFn: async ({ signal }) =>
      answer(
        api.GET("/api/v1/revisions/{number}/difference", {
          params: { path: { number }, query: since === undefined ? {} : { since } },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: false,
  });
}

/** The newest revision with its ETag: what a rollback says it has seen. */
export function readRevision(number: number) {
  return tagged(api.GET("/api/v1/revisions/{number}", { params: { path: { number } } }));
}

export function sendRollback(number: number, ask: Ask) {
  return answer(
    api.POST("/api/v1/revisions/{number}/rollback", {
      params: { path: { number }, query: { preview: ask.preview } },
      headers: ask.ifMatch ? { "If-Match": ask.ifMatch } : {},
    }),
  );
}

/**
 * What going back to a revision would do now. `newest` is part of the question: with another newest it is another, and
 * this one is not asked again, for control refuses it.
 */
export function useRollbackPreview(number: number, newest: number) {
  return useQuery({
    queryKey: ["preview", "undo", number, newest],
    queryFn: async () => {
      const { etag } = await readRevision(newest);
      return (await sendRollback(number, { preview: true, ifMatch: etag })) as Preview;
    },
    enabled: number > 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: false,
  });
}
