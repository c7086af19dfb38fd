import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup, configure } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { handlers } from "./handlers";

configure({ asyncUtilTimeout: 15_000 });

export const server = setupServer(...handlers);

/** Changes that a page asked the mock for and that it did, one a line: what scripts/covered.mjs compares with the API. */
const made = join(import.meta.dirname, "..", "node_modules", ".gridwire-made");
server.events.on("response:mocked", ({ request, response }) => {
  const url = new URL(request.url);
  if (request.method === "GET" || !response.ok || url.searchParams.get("preview") === "true") return;
  appendFileSync(made, `${request.method} ${url.pathname}\n`);
});

// happy-dom has no streams of events; a test that wants one gives its own to `follow`.
class SilentEventSource extends EventTarget {
  onopen = null;
  onerror = null;
  readyState = 0;
  close() {}
}

beforeAll(() => {
  vi.stubGlobal("EventSource", SilentEventSource);
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  cleanup();
  server.resetHandlers();
  window.history.replaceState(null, "", "/");
});
afterAll(() => server.close());
