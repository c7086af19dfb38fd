import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/lib/api/client";
import { keys } from "@/lib/query";

export function useNetwork() {
  return useQuery({ queryKey: keys.network, queryFn: ({ signal }) => answer(api.GET("/api/v1/network", { signal })) });
}

export function useOperators() {
  return useQuery({
    queryKey: keys.operators,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/operators", { signal }))).items,
  });
}

export function useTokens() {
  return useQuery({
    queryKey: keys.tokens,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/tokens", { signal }))).items,
  });
}

export function useSessions() {
  return useQuery({
    queryKey: keys.sessions,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/sessions", { signal }))).items,
  });
}

export function usePasskeys() {
  return useQuery({
    queryKey: keys.passkeys,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/passkeys", { signal }))).items,
  });
}

export function useCertificates() {
  return useQuery({
    queryKey: keys.certificates,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/certificates", { signal }))).items,
  });
}

export function useNotifications() {
  return useQuery({
    queryKey: keys.notifications,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/notifications", { signal }))).items,
  });
}

export function useMaintenance() {
  return useQuery({
    queryKey: keys.maintenance,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/maintenance", { signal }))).items,
  });
}

/** Alerts that are open. */
export function useAlerts() {
  return useQuery({
    queryKey: keys.alerts,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/alerts", { signal }))).items,
  });
}
