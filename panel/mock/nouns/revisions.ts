import { HttpResponse, http } from "msw";
import chain from "../../../tests/cases/audit/chain.json";
import type { Event, Revision } from "../../lib/api/types";
import { listing, NO_DIFFERENCE, preview, withTag } from "../answers";
import { crowd, nodes, revision } from "../grid";

export const revisions: Revision[] = [
  revision(42, 1_500, "operator:ada", "route wiki: allow role:client"),
  revision(41, 8_000, "root", "service wiki: published"),
  revision(40, 90_000, "token:ada/ci", "node home-2: tag site=home"),
];

export const events: Event[] = chain.events;

const wiki = { host: "wiki.grid", path: "/", route: "wiki", service: "wiki" };

export const revisionHandlers = [
  http.get("*/api/v1/revisions", () => listing(revisions)),
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
    return HttpResponse.json({ number, since, difference: { ...NO_DIFFERENCE, nouns } } as never);
  }),
  http.get("*/api/v1/revisions/:number", ({ params }) => {
    const found = revisions.find(({ number }) => String(number) === params.number);
    return withTag(found ?? null, `"${params.number}"`);
  }),
  http.post("*/api/v1/revisions/:number/rollback", () =>
    preview("roll back", {
      losses: [{ who: crowd("phone"), places: [wiki] }],
    }),
  ),
  http.get("*/api/v1/events", () => listing(events)),
];
