/** What a node is, in one word that an operator can act on, and why. Pure. */
import type { Tone } from "@/components/state-chip";
import type { NodeView } from "@/lib/api/types";

export interface Stated {
  tone: Tone;
  word: string;
  why: string;
  /** The same in a few words, for a row; empty where nothing is wrong. It names tunnel, agent or host first. */
  brief: string;
}

const BEFORE_AND_AFTER: Partial<Record<NodeView["node"]["state"], Stated>> = {
  invited: {
    tone: "working",
    word: "invited",
    why: "Its invitation was not used yet.",
    brief: "waits for gridwire join there",
  },
  redeemed: {
    tone: "working",
    word: "joining",
    why: "Its key is known; it has to confirm through its tunnel.",
    brief: "has to confirm through its tunnel",
  },
  pending: {
    tone: "warning",
    word: "waits for a yes",
    why: "It joined, and carries traffic only after you approve it.",
    brief: "carries nothing before your yes",
  },
  quarantined: {
    tone: "bad",
    word: "quarantined",
    why: "Its invitation was used a second time: it may have leaked.",
    brief: "its invitation was used twice",
  },
  revoking: {
    tone: "warning",
    word: "revoking",
    why: "Not every gateway has said that it is cut.",
    brief: "a gateway has yet to say that it is cut",
  },
  revoked: { tone: "off", word: "revoked", why: "Its key and address are never given again.", brief: "" },
};

const REPORT_FRESH_MS = 30_000; // three heartbeats (control/reports.py)
const TOGETHER_MS = 180_000; // a session lives so long without a handshake (WireGuard §6.2)

const moment = (at: string | null) => (at ? Date.parse(at) : Number.NaN);

/** Devices of persons sleep; that is no fault. */
function sleeps(view: NodeView): boolean {
  return view.node.role === "operator" || view.node.role === "client";
}

/** The newest report of all: control's clock, as far as the panel needs it. The reader's own may be wrong. */
export function newestReport(views: readonly NodeView[]): number {
  return views.reduce((newest, view) => Math.max(newest, moment(view.reported_at) || 0), 0);
}

/** `asOf`: the newest report of all nodes; without it no agent is called silent that has ever reported. */
export function stateOf(view: NodeView, asOf = 0): Stated {
  const early = BEFORE_AND_AFTER[view.node.state];
  if (early) return early;
  if (view.connected === null) {
    const why = "No gateway says whether its tunnel is up.";
    return { tone: "unknown", word: "unknown", why, brief: "no gateway tells of it" };
  }
  if (!view.connected) return view.node.role === "gateway" ? mute(view) : sleeps(view) ? AWAY : down(view);
  if (view.unreached) return unreached(view);
  const said = reported(view, asOf);
  if (said) return said;
  const critical = view.findings.find((finding) => finding.severity === "critical");
  if (critical) return { tone: "bad", word: "finding", why: critical.what, brief: `host: ${critical.what}` };
  if (view.behind) {
    const why = "It has yet to apply a newer spec.";
    return { tone: "warning", word: "behind", why, brief: "agent: has yet to apply a newer spec" };
  }
  const warning = view.findings.find((finding) => finding.severity === "warning");
  if (warning) return { tone: "warning", word: "finding", why: warning.what, brief: `host: ${warning.what}` };
  if (view.node.drained) {
    return { tone: "off", word: "drained", why: "It gets no new requests, as you asked.", brief: "as you asked" };
  }
  return { tone: "healthy", word: "connected", why: "Its tunnel is fresh and its spec in force.", brief: "" };
}

const AWAY: Stated = { tone: "off", word: "away", why: "Its tunnel is down, as when a device sleeps.", brief: "" };

function mute(view: NodeView): Stated {
  const why = view.reported_at
    ? "Its agent does not report: whether requests still pass is not known."
    : "Its agent has never reported.";
  return { tone: "bad", word: "agent silent", why, brief: "agent: does not report" };
}

/** Which of tunnel, agent and host fell silent, as far as the times tell. */
function down(view: NodeView): Stated {
  const shown = { tone: "bad", word: "tunnel down" } as const;
  const tunnel = moment(view.latest_handshake);
  const agent = moment(view.reported_at);
  if (Number.isNaN(tunnel)) {
    const why = "No gateway has ever heard its tunnel: gridwire does not run there, or its UDP packets do not arrive.";
    return { ...shown, why, brief: "tunnel: never heard" };
  }
  if (Number.isNaN(agent) || tunnel - agent > TOGETHER_MS) {
    const why = "Its agent fell silent before its tunnel did: the host was stopping, or gridwire was.";
    return { ...shown, why, brief: "host: agent stopped first, then tunnel" };
  }
  const why =
    "Tunnel and agent fell silent together: the host is off or offline, or UDP is blocked. What it serves is not reached.";
  return { ...shown, why, brief: "host or its way: both silent at once" };
}

/** The gateways' checks miss a node sooner than its tunnel is old. */
function unreached({ unreached: why }: NodeView): Stated {
  const what =
    "Nothing there answers the gateway, though its tunnel stood minutes ago: the host or its way just failed";
  const brief = `host or its way: ${why.replace(/ within .*/, "")}`; // as a phone has room for
  return { tone: "bad", word: "no answer", why: `${what} (${why}).`, brief };
}

function reported(view: NodeView, asOf: number): Stated | null {
  if (view.state === "failed" || view.state === "rolled-back") {
    const done = view.state === "failed" ? "could not apply" : "took back";
    const why = view.detail || `Its agent ${done} the newest revision.`;
    return { tone: "bad", word: "apply failed", why, brief: `agent: ${why}` };
  }
  const shown = { tone: "warning", word: "agent silent", brief: "agent: silent, the tunnel stands" } as const;
  if (view.reported_at === null) {
    return sleeps(view) ? null : { ...shown, why: "The tunnel is up, but its agent has not reported." };
  }
  return asOf - moment(view.reported_at) > REPORT_FRESH_MS
    ? { ...shown, why: "The tunnel is up, but its agent stopped reporting: on it, journalctl -u gridwire-agent." }
    : null;
}

/** When anything was last heard of it; a gateway has no handshake with itself. */
export function heard(view: NodeView): string | null {
  return (
    [view.latest_handshake, view.reported_at]
      .filter((at) => at !== null)
      .sort((one, other) => moment(one) - moment(other))
      .at(-1) ?? null
  );
}
