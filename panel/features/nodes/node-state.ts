/** What a node is, in one word that an operator can act on, and why. Pure. */
import type { Tone } from "@/components/state-chip";
import type { NodeView } from "@/lib/api/types";

export interface Stated {
  tone: Tone;
  word: string;
  why: string;
}

const BEFORE_AND_AFTER: Partial<Record<NodeView["node"]["state"], Stated>> = {
  invited: { tone: "working", word: "invited", why: "Its invitation was not used yet." },
  redeemed: { tone: "working", word: "joining", why: "Its key is known; it has to confirm through its tunnel." },
  pending: {
    tone: "warning",
    word: "waits for a yes",
    why: "It joined, and carries traffic only after you approve it.",
  },
  quarantined: { tone: "bad", word: "quarantined", why: "Its invitation was used a second time: it may have leaked." },
  revoking: { tone: "warning", word: "revoking", why: "Not every gateway has said that it is cut." },
  revoked: { tone: "off", word: "revoked", why: "Its key and address are never given again." },
};

/** Devices of persons sleep; that is no fault. */
function sleeps(view: NodeView): boolean {
  return view.node.role === "operator" || view.node.role === "client";
}

export function stateOf(view: NodeView): Stated {
  const early = BEFORE_AND_AFTER[view.node.state];
  if (early) return early;
  if (view.connected === null)
    return { tone: "unknown", word: "unknown", why: "No gateway says whether its tunnel is up." };
  if (!view.connected) {
    return sleeps(view)
      ? { tone: "off", word: "away", why: "Its tunnel is down, as when a device sleeps." }
      : {
          tone: "bad",
          word: "tunnel down",
          why: "No gateway has heard its tunnel lately; what it serves is not reached.",
        };
  }
  if (view.state === "failed" || view.state === "rolled-back") {
    const done = view.state === "failed" ? "could not apply" : "took back";
    return { tone: "bad", word: "apply failed", why: view.detail || `Its agent ${done} the newest revision.` };
  }
  const critical = view.findings.find((finding) => finding.severity === "critical");
  if (critical) return { tone: "bad", word: "finding", why: critical.what };
  if (view.reported_at === null && !sleeps(view)) {
    return { tone: "warning", word: "agent silent", why: "The tunnel is up, but its agent has not reported." };
  }
  if (view.behind) return { tone: "warning", word: "behind", why: "It has yet to apply a newer spec." };
  if (view.findings.some((finding) => finding.severity === "warning")) {
    return { tone: "warning", word: "finding", why: view.findings[0]?.what ?? "" };
  }
  if (view.node.drained) return { tone: "off", word: "drained", why: "It gets no new requests, as you asked." };
  return { tone: "healthy", word: "connected", why: "Its tunnel is fresh and its spec in force." };
}
