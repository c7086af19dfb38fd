import { useQuery } from "@tanstack/react-query";
import { answer, api, tagged } from "@/lib/api/client";
import { everyRow } from "@/lib/api/rows";
import type { Device, Invite, Invited, MemberDevice, NodeView, Revoked } from "@/lib/api/types";
import type { Ask } from "@/lib/change";
import { isLive } from "@/lib/live-state";
import { ageing, keys } from "@/lib/query";

export function useNodes() {
  return useQuery({
    queryKey: keys.nodes,
    queryFn: (context) =>
      everyRow<NodeView>(context, (asked) =>
        answer(api.GET("/api/v1/nodes", { params: { query: asked }, signal: context.signal })),
      ),
    refetchInterval: ({ state }) => ageing(state.data?.length),
  });
}

/** One node with its ETag, for changes. */
export function readNode(name: string) {
  return tagged(api.GET("/api/v1/nodes/{name}", { params: { path: { name } } }));
}

export function useNode(name: string) {
  return useQuery({ queryKey: keys.node(name), queryFn: () => readNode(name) });
}

const WATCH_MS = 2_000; // packets and handshakes are in no event of the stream, and somebody waits for them

/** The same, asked again and again until its first handshake. */
export function useFirstHandshake(name: string) {
  return useQuery({
    queryKey: [...keys.node(name), "first"],
    queryFn: () => readNode(name),
    refetchInterval: ({ state }) => (state.data?.value.latest_handshake ? false : WATCH_MS),
  });
}

export function useNodeSockets(name: string) {
  return useQuery({
    queryKey: keys.sockets(name),
    queryFn: ({ signal }) => answer(api.GET("/api/v1/nodes/{name}/sockets", { params: { path: { name } }, signal })),
  });
}

export function useNetwork() {
  return useQuery({
    queryKey: keys.network,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/network", { signal })),
    staleTime: 60_000,
  });
}

/** How far an invitation has come. It is followed closely until the node is in, or cannot come in any more. */
export function useInvitation(name: string) {
  return useQuery({
    queryKey: keys.invitation(name),
    queryFn: ({ signal }) => answer(api.GET("/api/v1/invitations/{name}", { params: { path: { name } }, signal })),
    refetchInterval: ({ state }) => {
      const over = ["active", "revoking", "revoked"].includes(state.data?.state ?? "");
      return over && isLive() ? false : WATCH_MS;
    },
  });
}

const tag = (ifMatch: string | null) => (ifMatch ? { "If-Match": ifMatch } : {});

export function changeNode(
  name: string,
  body: { tags?: [string, string][]; drained?: boolean },
  { preview, ifMatch }: Ask,
) {
  return answer(
    api.PATCH("/api/v1/nodes/{name}", {
      params: { path: { name }, query: { preview } },
      headers: tag(ifMatch),
      body,
    }),
  );
}

export function approveNode(name: string, { preview, ifMatch }: Ask) {
  return answer(
    api.POST("/api/v1/nodes/{name}/approve", {
      params: { path: { name }, query: { preview } },
      headers: tag(ifMatch),
    }),
  );
}

/** Answered when every gateway has said that it is cut; a Problem `not-finished` names those that have not. */
export function revokeNode(name: string, { preview, ifMatch }: Ask) {
  return answer(
    api.POST("/api/v1/nodes/{name}/revoke", {
      params: { path: { name }, query: { preview } },
      headers: tag(ifMatch),
    }),
  );
}

export const isRevoked = (answered: unknown): answered is Revoked =>
  typeof answered === "object" && answered !== null && "milliseconds" in answered;

export function cancelInvitation(name: string, { preview }: Pick<Ask, "preview">) {
  return answer(api.DELETE("/api/v1/invitations/{name}", { params: { path: { name }, query: { preview } } }));
}

export async function invite(body: Invite): Promise<Invited> {
  return (await answer(api.POST("/api/v1/invitations", { body }))) as Invited;
}

export function addDevice(body: Device, { preview }: Pick<Ask, "preview">) {
  return answer(api.POST("/api/v1/devices", { params: { query: { preview } }, body }));
}

/** A node of the tailnet that runs no gridwire. */
export function addMember(body: MemberDevice, { preview }: Pick<Ask, "preview">) {
  return answer(api.POST("/api/v1/members", { params: { query: { preview } }, body }));
}
