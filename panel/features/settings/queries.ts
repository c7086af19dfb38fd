import { useQuery } from "@tanstack/react-query";
import { api, items } from "@/lib/api/client";
import { keys } from "@/lib/query";

export function useOperators() {
  return useQuery({
    queryKey: keys.operators,
    queryFn: ({ signal }) => items(api.GET("/api/v1/operators", { signal })),
  });
}

export function useTokens() {
  return useQuery({
    queryKey: keys.tokens,
    queryFn: ({ signal }) => items(api.GET("/api/v1/tokens", { signal })),
  });
}

export function useSessions() {
  return useQuery({
    queryKey: keys.sessions,
    queryFn: ({ signal }) => items(api.GET("/api/v1/sessions", { signal })),
  });
}

export function usePasskeys() {
  return useQuery({
    queryKey: keys.passkeys,
    queryFn: ({ signal }) => items(api.GET("/api/v1/passkeys", { signal })),
  });
}

export function useCertificates() {
  return useQuery({
    queryKey: keys.certificates,
    queryFn: ({ signal }) => items(api.GET("/api/v1/certificates", { signal })),
  });
}

export function useNotifications() {
  return useQuery({
    queryKey: keys.notifications,
    queryFn: ({ signal }) => items(api.GET("/api/v1/notifications", { signal })),
  });
}

export function useMaintenance() {
  return useQuery({
    queryKey: keys.maintenance,
    queryFn: ({ signal }) => items(api.GET("/api/v1/maintenance", { signal })),
  });
}

/** Alerts that are open. */
export function useAlerts() {
  return useQuery({
    queryKey: keys.alerts,
    queryFn: ({ signal }) => items(api.GET("/api/v1/alerts", { signal })),
  });
}
