/** A destination as a form holds it, and back. Pure. What is secret is never given back, so it is typed again. */
import type { AlertKind, Destination, Notification } from "@/lib/api/types";

/** What a destination can be told of. */
export const ALERTS: Record<AlertKind, string> = {
  "node-down": "a node is down",
  "route-failing": "a route is served by nobody",
  "route-errors": "a route answers with errors",
  "certificate-expiring": "a certificate is near its end",
  "perimeter-finding": "the perimeter has a finding",
};

const KINDS = ["webhook", "ntfy", "smtp"] as const;

export interface DestinationDraft {
  name: string;
  /** Empty: of everything. */
  only: AlertKind[];
  kind: (typeof KINDS)[number];
  url: string;
  key: string;
  server: string;
  topic: string;
  token: string;
  host: string;
  port: number;
  security: "starttls" | "tls" | "none";
  user: string;
  password: string;
  sender: string;
  to: string;
}

export const newDestination: DestinationDraft = {
  name: "",
  only: [],
  kind: "webhook",
  url: "",
  key: "",
  server: "https://ntfy.sh",
  topic: "",
  token: "",
  host: "",
  port: 587,
  security: "starttls",
  user: "",
  password: "",
  sender: "",
  to: "",
};

/** The form of one that is there: where it sends is sealed, and so is asked for again. */
export function draftOfKnown({ name, kind, only }: Notification): DestinationDraft {
  return { ...newDestination, name, kind: KINDS.find((each) => each === kind) ?? "webhook", only: [...only] };
}

export function destinationOf(draft: DestinationDraft): Destination {
  switch (draft.kind) {
    case "webhook":
      return { kind: "webhook", url: draft.url.trim(), key: draft.key };
    case "ntfy":
      return { kind: "ntfy", url: draft.server.trim(), topic: draft.topic.trim(), token: draft.token };
    case "smtp":
      return {
        kind: "smtp",
        host: draft.host.trim(),
        port: draft.port,
        security: draft.security,
        user: draft.user,
        password: draft.password,
        sender: draft.sender.trim(),
        to: draft.to.split(/[\s,]+/).filter(Boolean),
      };
  }
}

/** Where control's fields stand in the form of a kind. */
export function fieldNames(kind: DestinationDraft["kind"]): Record<string, string> {
  return kind === "ntfy" ? { url: "server", "to.url": "server" } : {};
}
