import { describe, expect, it } from "vitest";
import { parseSelector, selectorText } from "./selector";

describe("a selector", () => {
  it.each(["role:client", "tag:site=a", "tag:edge", "node:phone", "policy:home", "user:ada@example.com"])(
    "%s is written as it was read",
    (text) => {
      const selector = parseSelector(text);
      expect(selector && selectorText(selector)).toBe(text);
    },
  );
  it.each(["client", "role:", ":client", "group:all", ""])("is not %j", (text) =>
    expect(parseSelector(text)).toBeNull(),
  );
});
