/** A destination as a form holds it, and back. Pure. What is secret is never given back, so it is typed again. */
import type { Destination } from "@/lib/api/types";

export interface DestinationDraft {
  name: string;
  kind: "webhook" | "ntfy" | "smtp";
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
