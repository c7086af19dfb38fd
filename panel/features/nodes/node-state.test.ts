import { describe, expect, it } from "vitest";
import { ago, nodeView } from "@/mock/grid";
import { newestReport, stateOf } from "./node-state";

const down = (handshake: number | null, report: number | null) =>
  stateOf(
    nodeView("home-1", {
      connected: false,
      latest_handshake: handshake === null ? null : ago(handshake),
      reported_at: report === null ? null : ago(report),
    }),
  ).brief;

describe("which of tunnel, agent and host fell silent", () => {
  it("is told by which was heard last", () => {
    expect(down(1_260, 1_262)).toContain("host or its way");
    expect(down(1_260, 2_000)).toContain("agent stopped first");
    expect(down(null, null)).toBe("tunnel: never heard");
  });

  it("is the agent where the tunnel stands, by control's clock and not by the reader's", () => {
    const silent = nodeView("home-1", { reported_at: ago(100) });
    expect(stateOf(silent, newestReport([silent, nodeView("gw-1")])).word).toBe("agent silent");
    // Seen alone, a report that is old by the reader's clock is no proof.
    expect(stateOf(silent, newestReport([silent])).word).toBe("connected");
  });

  it("is the agent of a gateway, which has no tunnel to itself", () => {
    expect(stateOf(nodeView("gw-1", { connected: false, node: { role: "gateway" } })).brief).toContain("agent");
  });
});
