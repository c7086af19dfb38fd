import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeView } from "@/mock/grid";
import { callable, deviceConfig } from "./device-config";
import { composeToken } from "./token";

// The same files as tests/cli/test_invite.py: what the panel hands out is what the CLI hands out.
const folder = join(import.meta.dirname, "../../tests/cases/enrollment");
const cases = (kind: string) =>
  readdirSync(folder)
    .filter((file) => file.startsWith(`${kind}-`))
    .map((file) => [file, JSON.parse(readFileSync(join(folder, file), "utf8"))] as const);

describe("what an invitation hands out", () => {
  it.each(cases("token"))("is the CLI's token: %s", async (_file, { invited, private_key, token }) => {
    expect(await composeToken(invited, private_key)).toBe(token);
  });

  it.each(cases("device"))("is the CLI's configuration: %s", (_file, given) => {
    const { node, private_key, network, gateways, configuration } = given;
    expect(deviceConfig(node, private_key, network, gateways)).toBe(configuration);
  });

  it("has cases of both", () => {
    expect(cases("token").length).toBeGreaterThan(0);
    expect(cases("device").length).toBeGreaterThan(0);
  });

  it("leaves out gateways that nobody can call", () => {
    const gateway = (name: string, endpoint: string | null) => nodeView(name, { node: { role: "gateway", endpoint } });
    const views = [gateway("gw-1", "gw.example.com:51820"), gateway("gw-2", null), nodeView("home-1")];
    expect(callable(views).map(({ name }) => name)).toEqual(["gw-1"]);
  });
});
