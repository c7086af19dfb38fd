import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import { everyRow, PAGE } from "@/lib/api/rows";
import type { Service, ServiceOutcome } from "@/lib/api/types";
import { type Ask, unless } from "@/lib/change";
import { keys } from "@/lib/query";

/** All services with how they stand. */
export function useServices() {
  return useQuery({
    queryKey: keys.services,
    queryFn: (context) =>
      everyRow<ServiceOutcome>(context, (asked) =>
        answer(
          api.GET("/api/v1/outcomes/services", {
            params: { query: { ...asked, brief: true } },
            signal: context.signal,
          }),
        ),
      ),
  });
}

/** Some of them, with all that control tells of each: `filter` as its lists take it. */
export function useServicesWhere(filter: string, enabled = true) {
  return useQuery({
    queryKey: keys.servicesWhere(filter),
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/outcomes/services", { params: { query: { filter, limit: PAGE } }, signal })),
    select: ({ items }) => items,
    enabled,
  });
}

export function readService(name: string) {
  return tagged(api.GET("/api/v1/services/{name}", { params: { path: { name } } }));
}

export function useService(name: string) {
  return useQuery({ queryKey: [...keys.service(name), "own"], queryFn: () => readService(name) });
}

export function sendService(service: Service, { preview, ifMatch }: Ask) {
  const { name } = service;
  return answer(
    api.PUT("/api/v1/services/{name}", {
      params: { path: { name }, query: { preview } },
      headers: unless(ifMatch),
      body: service,
    }),
  );
}

export function removeService(name: string, { preview, ifMatch }: Ask) {
  return answer(
    api.DELETE("/api/v1/services/{name}", { params: { path: { name }, query: { preview } }, headers: unless(ifMatch) }),
  );
}
