import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ago, overview, revision } from "@/mock/grid";
import { show } from "@/mock/render";
import { changedBefore, Failing } from "./failing";

describe("what fails", () => {
  it("says at which hop, for how long, and what was changed just before", () => {
    show(<Failing overview={overview} />);
    const [photos, api] = within(screen.getAllByRole("list")[0] as HTMLElement)
      .getAllByRole("listitem")
      .filter((line) => line.dataset.tone)
      .map((line) => line.textContent?.replaceAll("\u202f", " "));
    expect(photos).toMatch(/serves nobody.*for 21 min/);
    expect(photos).toMatch(
      /No handshake for 21 minutes\. Changed 50 s before: revision 42 by ada: route photos: changed/,
    );
    expect(api).toContain("answered 503, not 200");
    expect(api).toContain("revision 42");
  });

  it("suspects no change that came later, or an hour before", () => {
    const changes = [revision(9, 60, "ada", "late"), revision(8, 9_000, "ada", "early")];
    expect(changedBefore(ago(100), changes)).toBeNull();
    expect(changedBefore(ago(8_000), changes)?.change.number).toBe(8);
    expect(changedBefore(ago(60), changes)?.change.number).toBe(9);
  });
});
