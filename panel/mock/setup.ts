import { cleanup, configure } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { handlers } from "./handlers";

configure({ asyncUtilTimeout: 15_000 });

export const server = setupServer(...handlers);

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
