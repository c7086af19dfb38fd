import { describe, expect, it } from "vitest";
import {
  absolute,
  bytes,
  compact,
  count,
  durationSeconds,
  milliseconds,
  plural,
  relative,
  seconds,
  share,
} from "./format";

const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("figures", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [999.6, "1 kB"],
    [1_500, "1.5 kB"],
    [999_700, "1 MB"],
    [12_340_000, "12.3 MB"],
    [null, "–"],
  ])("%s bytes are %s", (value, text) => expect(plain(bytes(value))).toBe(text));

  it.each([
    [0, "0 %"],
    [0.00001, "<0.01 %"],
    [0.9999999, ">99.99 %"],
    [1, "100 %"],
    [0.0123, "1.23 %"],
    [undefined, "–"],
  ])("a share of %s is %s", (value, text) => expect(plain(share(value))).toBe(text));

  it.each([
    [0.42, "0.42 ms"],
    [12.34, "12.3 ms"],
    [999.7, "1 s"],
    [61_000, "1 min 1 s"],
  ])("%s ms are %s", (value, text) => expect(plain(milliseconds(value))).toBe(text));

  it.each([
    [42, "42 s"],
    [185, "3 min 5 s"],
    [7_200, "2 h"],
    [7_230, "2 h"],
    [356_400, "4 d 3 h"],
  ])("%s s are %s", (value, text) => expect(plain(seconds(value))).toBe(text));

  it("counts with every digit, and moves with few", () => {
    expect(count(12345)).toBe("12,345");
    expect(plain(compact(12345))).toBe("12.3 k");
    expect(plural(1, "node")).toBe("1 node");
    expect(plural(2, "policy", "policies")).toBe("2 policies");
  });
});

describe("times", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  it.each([
    ["2026-03-01T11:59:48Z", "12 s ago"],
    ["2026-03-01T12:04:30Z", "in 4 min"],
    ["2026-02-27T11:00:00Z", "2 d ago"],
    ["2026-03-01T12:00:00Z", "now"],
    [null, "never"],
    ["nonsense", "–"],
  ])("%s is %s", (at, text) => expect(plain(relative(at, now))).toBe(text));

  it("writes a date so that it sorts", () => {
    expect(absolute(new Date(2026, 2, 1, 4, 5, 9))).toBe("2026-03-01 04:05:09");
  });

  it("reads control's durations", () => {
    expect(durationSeconds("PT1M30.5S")).toBe(90.5);
    expect(durationSeconds("-P1DT2H")).toBe(-93_600);
    expect(durationSeconds("soon")).toBeNull();
  });
});
