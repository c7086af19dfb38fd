import { HttpResponse, http } from "msw";
import chain from "../../../tests/cases/audit/chain.json";
import type { Event, Revision } from "../../lib/api/types";
import { preview, withTag } from "../answers";
import { ago, nodes } from "../grid";

const revision = (number: number, seconds: number, author: string, reason: string): Revision => ({
  number,
  epoch: 1,
  at: ago(seconds),
  author,
  reason,
  changed: [reason],
});

export const revisions: Revision[] = [
  revision(42, 1_500, "operator:ada", "route wiki: allow role:client"),
  revision(41, 8_000, "root", "service wiki: published"),
  revision(40, 90_000, "token:ada/ci", "node home-2: tag site=home"),
];

export const events: Event[] = chain.events;

const nowhere = { gains: [], losses: [], redirections: [], appear: [], go: [], upstreams: [], unserved: [], cuts: [] };
const wiki = { host: "wiki.grid", path: "/", route: "wiki", service: "wiki" };

export const revisionHandlers = [
  http.get("*/api/v1/revisions", () => HttpResponse.json({ items: revisions, next: null, total: revisions.length })),
  http.get("*/api/v1/revisions/:number/difference", ({ params, request }) => {
    const number = Number(params.number);
    const since = Number(new URL(request.url).searchParams.get("since") ?? number - 1);
    const nouns = [
      {
        noun: "node",
        name: "home-2",
        fields: [{ field: "tags", before: null, after: "site=home" }],
        before: nodes[2]?.node ?? null,
        after: nodes[2]?.node ?? null,
      },
    ];
    return HttpResponse.json({ number, since, difference: { ...nowhere, nouns, left_out: 0 } } as never);
  }),
  http.get("*/api/v1/revisions/:number", ({ params }) => {
    const found = revisions.find(({ number }) => String(number) === params.number);
    return withTag(found ?? null, `"${params.number}"`);
  }),
  http.post("*/api/v1/revisions/:number/rollback", () =>
    preview("roll back", {
      losses: [{ who: { nodes: ["phone"], count: 1, groups: [], rest: 0 }, places: [wiki] }],
    }),
  ),
  http.get("*/api/v1/events", () => HttpResponse.json({ items: events, next: null, total: events.length })),
];
