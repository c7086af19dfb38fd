/** How far an invitation has come, step by step, and who each step waits for. Pure. */
import type { Step } from "@/components/steps";
import type { Progress } from "@/lib/api/types";
import { plural } from "@/lib/format";

const REACHED: Record<Progress["state"], number> = {
  invited: 0,
  redeemed: 3,
  pending: 3,
  quarantined: 3,
  active: 4,
  revoking: 0,
  revoked: 0,
};

export type Ended = "in" | "expired" | "over" | null;

export function endOf(progress: Progress, now: number): Ended {
  if (progress.state === "active") return "in";
  if (progress.state === "revoked" || progress.state === "revoking") return "over";
  const waiting = progress.state === "invited" || progress.state === "redeemed";
  return waiting && now > 0 && Date.parse(progress.expires) <= now ? "expired" : null;
}

/** Who is waited for, in the words that stand beside a step. */
function waitsFor(progress: Progress): string {
  const words: Record<Progress["waits_for"], string> = {
    newcomer: `waits for you, at ${progress.node}`,
    grid: "waits for the grid",
    operator: "waits for your yes",
    nobody: "",
  };
  return words[progress.waits_for];
}

export function stepsOf(progress: Progress, now: number): Step[] {
  const { handshakes_begun: begun, packets_arrived: packets, handshake, state } = progress;
  const reached = Math.max(REACHED[state], handshake ? 2 : begun > 0 ? 1 : 0);
  const stopped = endOf(progress, now) === "over" || endOf(progress, now) === "expired";
  const asked = state === "pending" || state === "quarantined";
  const titles = [
    {
      id: "call",
      title: "It calls a gateway",
      note: `${plural(begun, "handshake")} begun by newcomers, ${plural(packets, "packet")} in all`,
    },
    { id: "tunnel", title: "Its tunnel stands", note: "" },
    { id: "key", title: "Its own key is known", note: "the token's is worth nothing from then on" },
    ...(asked ? [{ id: "yes", title: "You say yes", note: "" }] : []),
    { id: "in", title: "It is in", note: "" },
  ];
  return titles.map(({ id, title, note }, index) => {
    const done = index < reached || state === "active";
    const current = !done && index === reached;
    if (!current) return { id, title, note, state: done ? "done" : "later", waits: "" };
    if (stopped) return { id, title, note, state: "wrong", waits: "is over" };
    return { id, title, note, state: state === "quarantined" ? "wrong" : "now", waits: waitsFor(progress) };
  });
}
