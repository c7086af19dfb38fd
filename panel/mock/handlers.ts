/** What the panel expects of control. Used by the tests of components and by `make panel-dev`; one file for each noun. */

import { http } from "msw";
import { problem } from "./answers";
import { invitationHandlers } from "./nouns/invitations";
import { nodeHandlers } from "./nouns/nodes";
import { overviewHandlers } from "./nouns/overview";
import { perimeterHandlers } from "./nouns/perimeter";
import { revisionHandlers } from "./nouns/revisions";
import { serviceHandlers } from "./nouns/services";
import { sessionHandlers } from "./nouns/session";
import { settingsHandlers } from "./nouns/settings";
import { streamHandlers } from "./nouns/stream";
import { trafficHandlers } from "./nouns/traffic";

export const handlers = [
  ...sessionHandlers,
  ...overviewHandlers,
  ...nodeHandlers,
  ...invitationHandlers,
  ...revisionHandlers,
  ...serviceHandlers,
  ...perimeterHandlers,
  ...settingsHandlers,
  ...trafficHandlers,
  ...streamHandlers,
  http.all("*/api/*", ({ request }) =>
    problem(404, "not-found", `${request.method} ${new URL(request.url).pathname} is not there`),
  ),
];
