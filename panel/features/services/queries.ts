import { useQuery } from "@tanstack/react-query";
import { answer, api, everyPage, pageSize, tagged } from "@/lib/api/client";
import type { Service } from "@/lib/api/types";
import { type Ask, unless } from "@/lib/change";
import { keys } from "@/lib/query";

/** All services with how they stand. */
export function useServices() {
  return useQuery({
    queryKey: keys.services,
    queryFn: ({ signal }) =>
      everyPage((cursor) =>
        answer(
          api.GET("/api/v1/outcomes/services", {
            params: { query: { limit: pageSize, ...(cursor ? { cursor } : {}) } },
            signal,
          }),
        ),
      ),
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
