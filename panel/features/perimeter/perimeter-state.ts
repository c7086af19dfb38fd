/** What may be reached, from how far away, and whether that is as it should be. Pure. */
import type { Tone } from "@/components/state-chip";
import type { NodePerimeter, PerimeterVerdict, SocketView } from "@/lib/api/types";
import { count, plural } from "@/lib/format";

export interface Stated {
  tone: Tone;
  word: string;
  why: string;
}

export function verdictOf(verdict: PerimeterVerdict): Stated {
  const word = `${plural(verdict.public, "public socket")}, ${plural(verdict.findings, "finding")}`;
  if (verdict.state === "unknown") return { tone: "unknown", word, why: verdict.say };
  return { tone: verdict.state === "findings" ? "bad" : "healthy", word, why: verdict.say };
}

const PROOF: Record<PerimeterVerdict["proof"], string> = {
  none: "not everywhere: a node did not tell, or its guard could not be read",
  "read-back": "on each node its agent read sockets and rules back from the kernel; nobody tried them from outside",
};

export function proofText(proof: PerimeterVerdict["proof"]): string {
  return PROOF[proof];
}

const GUARD: Record<NodePerimeter["guard"]["state"], { tone: Tone; word: string }> = {
  stands: { tone: "healthy", word: "stands" },
  late: { tone: "warning", word: "late" },
  missing: { tone: "bad", word: "missing" },
  unread: { tone: "unknown", word: "not read" },
  unknown: { tone: "unknown", word: "unknown" },
};

export function guardOf(node: NodePerimeter): Stated {
  const { tone, word } = GUARD[node.guard.state];
  return { tone, word, why: node.guard.detail || node.why };
}

/** Farther is worse: what the internet reaches stands first, then what is not known. */
const FAR: Record<SocketView["reach"], { rank: number; word: string }> = {
  internet: { rank: 5, word: "the internet" },
  unknown: { rank: 4, word: "unknown" },
  link: { rank: 3, word: "its link" },
  mesh: { rank: 2, word: "the mesh" },
  host: { rank: 1, word: "the host itself" },
  nobody: { rank: 0, word: "nobody" },
};

export function rankOf(view: SocketView): number {
  // gridwire's one public socket is meant; what is another's is listed and never touched.
  const meant = view.socket.owner === "ours" && view.socket.protocol === "udp";
  const far = view.reach === "internet" || view.reach === "link";
  return FAR[view.reach].rank - (meant && far ? 3 : 0) + (!meant && view.reach === "link" ? 1.5 : 0);
}

export function reachOf(view: SocketView): Stated {
  const { word } = FAR[view.reach];
  // The rule that opens the farthest way: those nearer say less.
  const open = view.ways.filter((way) => way.open !== false);
  const farthest = open.filter((way) => way.realm === view.reach);
  const rules = (farthest.length > 0 ? farthest : open).map((way) => way.rule);
  const why = [...new Set(rules)].join("; ");
  if (view.reach === "unknown") return { tone: "unknown", word, why };
  if (view.reach === "internet" && view.socket.owner === "ours" && view.socket.protocol === "tcp") {
    return { tone: "bad", word, why };
  }
  return { tone: view.reach === "internet" && view.socket.owner === "foreign" ? "warning" : "healthy", word, why };
}

export function socketText({ socket }: SocketView): string {
  const host = socket.address.includes(":") ? `[${socket.address}]` : socket.address;
  return `${host}:${socket.port}/${socket.protocol}${socket.device ? ` on ${socket.device}` : ""}`;
}

export function whoText(view: SocketView): string {
  const who = [...new Set(view.ways.filter((way) => way.open !== false).flatMap((way) => way.who))];
  return who.join(", ");
}

export function programText({ socket }: SocketView): string {
  const name = socket.process || (socket.pid === null ? "" : `pid ${count(socket.pid)}`);
  return socket.unit && socket.unit !== name ? `${name} (${socket.unit})` : name;
}
