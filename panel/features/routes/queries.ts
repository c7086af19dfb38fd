import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import { everyRow, PAGE } from "@/lib/api/rows";
import type { Route, RouteOutcome } from "@/lib/api/types";
import { type Ask, unless } from "@/lib/change";
import { keys } from "@/lib/query";

/** All routes with who can open them and how what is behind them stands. */
export function useRoutes() {
  return useQuery({
    queryKey: keys.routes,
    queryFn: (context) =>
      everyRow<RouteOutcome>(context, (asked) =>
        answer(
          api.GET("/api/v1/outcomes/routes", {
            params: { query: { ...asked, brief: true } },
            signal: context.signal,
          }),
        ),
      ),
  });
}

/** Some of them, with all that control tells of each: `filter` as its lists take it. */
export function useRoutesWhere(filter: string, enabled = true) {
  return useQuery({
    queryKey: keys.routesWhere(filter),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/outcomes/routes", { params: { query: { filter, limit: PAGE } }, signal })),
    select: ({ items }) => items,
    enabled,
  });
}

export function readRoute(name: string) {
  return tagged(api.GET("/api/v1/routes/{name}", { params: { path: { name } } }));
}

export function useRoute(name: string) {
  return useQuery({ queryKey: [...keys.route(name), "own"], queryFn: () => readRoute(name) });
}

export function sendRoute(route: Route, { preview, ifMatch }: Ask) {
  return answer(
    api.PUT("/api/v1/routes/{name}", {
      params: { path: { name: route.name }, query: { preview } },
      headers: unless(ifMatch),
      body: route,
    }),
  );
}

export function removeRoute(name: string, { preview, ifMatch }: Ask) {
  return answer(
    api.DELETE("/api/v1/routes/{name}", { params: { path: { name }, query: { preview } }, headers: unless(ifMatch) }),
  );
}

export interface Question {
  node: string;
  method: string;
  url: string;
}

/** What the gateway would do with a request, and why. Nothing is sent anywhere. */
export function useExplanation(asked: Question | null) {
  return useQuery({
    queryKey: keys.explain({ ...asked }),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/explain", { params: { query: asked ?? { node: "", url: "" } }, signal })),
    enabled: asked !== null && asked.node !== "" && asked.url !== "",
  });
}
