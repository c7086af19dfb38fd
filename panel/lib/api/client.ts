/**
 * The one way to ask control. Typed by the schema; what fails is thrown as a `Problem`; an ETag comes back beside the
 * value and is sent as If-Match with the change.
 *
 *     const { value, etag } = await tagged(api.GET("/api/v1/routes/{name}", { params: { path: { name } } }));
 *     await answer(api.PUT("/api/v1/routes/{name}", { params: …, body: value, headers: { "If-Match": etag } }));
 */
import createClient from "openapi-fetch";
import { loginWanted } from "@/lib/session";
import { type Problem, problemOf, unanswered } from "./problem";
import type { paths } from "./schema";
import type { Listing } from "./types";

export interface Tagged<T> {
  value: T;
  etag: string | null;
}

/** Refused for want of a login; a wrong password is an answer to a form, not that. */
function wantsLogin(problem: Problem): boolean {
  return problem.status === 401 && !["wrong-login", "code-wanted"].includes(problem.code);
}

const PATIENCE_MS = 30_000; // a dead tunnel answers nothing, and closes nothing either

async function fetching(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]) });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unanswered();
  }
  if (response.ok || response.status === 304) return response;
  const problem = await problemOf(response);
  if (wantsLogin(problem)) loginWanted(problem);
  throw problem;
}

const origin = () => (typeof location === "undefined" ? "http://panel.invalid" : location.origin);

export const api = createClient<paths>({
  baseUrl: origin(),
  fetch: fetching,
  headers: { Accept: "application/json, application/problem+json" },
});

type Fetched<T> = { data?: T; response: Response };

/** The value of an answer. */
export async function answer<T>(call: Promise<Fetched<T>>): Promise<T> {
  return (await call).data as T;
}

/** The items of a list that is answered whole. */
export async function items<T>(call: Promise<Fetched<Listing<T>>>): Promise<T[]> {
  return (await answer(call)).items;
}

/** The value of an answer with its ETag. */
export async function tagged<T>(call: Promise<Fetched<T>>): Promise<Tagged<T>> {
  const { data, response } = await call;
  return { value: data as T, etag: response.headers.get("ETag") };
}
