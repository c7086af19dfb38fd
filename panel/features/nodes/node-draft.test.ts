import { describe, expect, it } from "vitest";
import { joinCommand, nameError, parseTag, reachError, tagsError } from "./node-draft";

describe("what is typed of a node", () => {
  it.each(["home-1", "a", "1", "x".repeat(63)])("takes the name %s", (name) => expect(nameError(name)).toBeNull());
  it.each(["", " ", "Home", "-a", "a-", "a.b", "a b", "x".repeat(64)])("refuses the name %j", (name) =>
    expect(nameError(name)).not.toBeNull(),
  );

  it.each([
    ["site=home", ["site", "home"]],
    ["rack=B.2", ["rack", "B.2"]],
    ["site", null],
    ["=home", null],
    ["Site=home", null],
    ["site=", null],
    ["site=a=b", null],
  ])("reads the tag %s", (text, tag) => expect(parseTag(text)).toEqual(tag));

  it("refuses a key that stands there twice", () => {
    expect(tagsError(["site=a", "site=b"])).toContain("site");
    expect(tagsError(["site=a", "rack=b"])).toBeNull();
  });

  it.each(["127.0.0.1:9000", "127.0.0.1:9000-9010", "192.168.1.0/24:443", "[fd12::7]:80", "unix:/run/app.sock"])(
    "takes what is let be published: %s",
    (rule) => expect(reachError([rule])).toBeNull(),
  );
  it.each(["localhost", "127.0.0.1", "127.0.0.1:9000; reboot", "$(id):80", "unix:/run/a b", "unix:/run/`id`"])(
    "refuses %j, which goes into a command",
    (rule) => expect(reachError([rule])).not.toBeNull(),
  );

  it("makes a command that a shell takes as it stands, and no token in it", () => {
    expect(joinCommand([])).toBe("gridwire join");
    expect(joinCommand(["127.0.0.1:9000", "[fd12::7]:80"])).toBe(
      "gridwire join --reach 127.0.0.1:9000 --reach '[fd12::7]:80'",
    );
  });
});
