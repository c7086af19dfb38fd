import type { ProblemBody } from "./types";

/** What control refused or failed at, with the next step; RFC 9457. `status` 0: there was no answer at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | null;
  readonly fix: string | null;
  /** Seconds after which it makes sense to ask again, where control says so. */
  readonly retryAfter: number | null;

  constructor(body: Omit<ProblemBody, "type" | "title">, retryAfter: number | null = null) {
    super(body.detail);
    this.name = "Problem";
    this.status = body.status;
    this.code = body.code;
    this.detail = body.detail;
    this.field = body.field ?? null;
    this.fix = body.fix ?? null;
    this.retryAfter = retryAfter;
  }

  /** Somebody else changed it, or the state of the grid forbids it. */
  get conflict(): boolean {
    return this.status === 409 || this.status === 412;
  }

  get offline(): boolean {
    return this.status === 0;
  }
}

export function unanswered(): Problem {
  return new Problem({
    status: 0,
    code: "no-answer",
    detail: "control does not answer",
    field: null,
    fix: "see that this device's tunnel is up, and the gateway is there; on the gateway: gridwire status",
  });
}

/** The problem that a response tells of; one of its own where the body is not control's. */
export async function problemOf(response: Response): Promise<Problem> {
  const after = Number(response.headers.get("Retry-After"));
  const retryAfter = response.headers.has("Retry-After") && Number.isFinite(after) ? after : null;
  if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    return new Problem((await response.json()) as ProblemBody, retryAfter);
  }
  // nginx answered in control's place.
  return new Problem(
    {
      status: response.status,
      code: "not-control",
      detail: `the gateway answered ${response.status} in control's place`,
      field: null,
      fix: response.status >= 500 ? "see that control runs: systemctl status gridwire-control" : null,
    },
    retryAfter,
  );
}

/** Any thrown value as a problem, so that there is one way to show it. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return unanswered();
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ status: 0, code: "panel", detail, field: null, fix: "load the page again" });
}
