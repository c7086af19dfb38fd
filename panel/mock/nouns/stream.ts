import { HttpResponse, http } from "msw";
import type { TrafficNow } from "../../lib/api/types";

const SECOND_MS = 1_000;

function traffic(): TrafficNow {
  const requests = 120 + Math.round(Math.random() * 20);
  const totals = { requests, errors: 2, own: 1, received: 40_000, sent: 900_000, p50: 6, p95: 31, p99: 84 };
  return { at: new Date().toISOString(), totals };
}

/** A quiet grid: nothing turns, and traffic is told once a second. */
export const streamHandlers = [
  http.get("*/api/v1/stream", ({ request }) => {
    const text = new TextEncoder();
    let beating: ReturnType<typeof setInterval>;
    const body = new ReadableStream({
      start(controller) {
        const tell = () => controller.enqueue(text.encode(`event: traffic\ndata: ${JSON.stringify(traffic())}\n\n`));
        tell();
        beating = setInterval(tell, SECOND_MS);
        request.signal.addEventListener("abort", () => clearInterval(beating));
      },
      cancel: () => clearInterval(beating),
    });
    return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } });
  }),
];
