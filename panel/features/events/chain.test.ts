import { describe, expect, it } from "vitest";
import { events } from "@/mock/nouns/revisions";
import { checkChain } from "./chain";

describe("the chain of events", () => {
  it("is whole as control wrote it, whatever characters stand in it", () => {
    expect(checkChain(events)).toEqual({ first: 1, last: events.length, brokenAt: null });
  });

  it("starts anywhere: what the first line follows is not among what was read", () => {
    expect(checkChain(events.slice(3))?.brokenAt).toBeNull();
    expect(checkChain([])).toBeNull();
  });

  it.each(["actor", "at", "kind", "subject", "detail"] as const)("is broken where a line's %s was altered", (field) => {
    const altered = events.map((event) => (event.number === 4 ? { ...event, [field]: `${event[field]}1` } : event));
    expect(checkChain(altered)?.brokenAt).toBe(4);
  });

  it("is broken where a line was taken out, or put in another place", () => {
    expect(checkChain(events.filter(({ number }) => number !== 3))?.brokenAt).toBe(4);
    const [one, two, three, ...rest] = events;
    expect(checkChain([one, three, two, ...rest] as typeof events)?.brokenAt).toBe(3);
  });
});
