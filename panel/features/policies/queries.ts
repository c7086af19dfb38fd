import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import { everyPage } from "@/lib/api/rows";
import type { Policy, PolicyOutcome } from "@/lib/api/types";
import { type Ask, unless } from "@/lib/change";
import { keys } from "@/lib/query";

export function usePolicies(enabled = true) {
  return useQuery({
    queryKey: keys.policies,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/policies", { signal }))).items,
    enabled,
  });
}

/** Policies with whom they let in and which routes name them. */
export function usePolicyOutcomes() {
  return useQuery({
    queryKey: keys.policyOutcomes,
    queryFn: ({ signal }) =>
      everyPage<PolicyOutcome>((asked) =>
        answer(api.GET("/api/v1/outcomes/policies", { params: { query: asked }, signal })),
      ),
  });
}

export function readPolicy(name: string) {
  return tagged(api.GET("/api/v1/policies/{name}", { params: { path: { name } } }));
}

export function usePolicy(name: string) {
  return useQuery({ queryKey: [...keys.policy(name), "own"], queryFn: () => readPolicy(name) });
}

export function sendPolicy(policy: Policy, { preview, ifMatch }: Ask) {
  return answer(
    api.PUT("/api/v1/policies/{name}", {
      params: { path: { name: policy.name }, query: { preview } },
      headers: unless(ifMatch),
      body: policy,
    }),
  );
}

export function removePolicy(name: string, { preview, ifMatch }: Ask) {
  return answer(
    api.DELETE("/api/v1/policies/{name}", { params: { path: { name }, query: { preview } }, headers: unless(ifMatch) }),
  );
}
