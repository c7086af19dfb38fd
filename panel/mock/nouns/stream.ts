import { HttpResponse, http } from "msw";

const BEAT_MS = 15_000;

/** Alive and silent, as on a quiet grid. */
export const streamHandlers = [
  http.get("*/api/v1/stream", ({ request }) => {
    const text = new TextEncoder();
    let beating: ReturnType<typeof setInterval>;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(text.encode(": hello\n\n"));
        beating = setInterval(() => controller.enqueue(text.encode(": beat\n\n")), BEAT_MS);
        request.signal.addEventListener("abort", () => clearInterval(beating));
      },
      cancel: () => clearInterval(beating),
    });
    return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } });
  }),
];
