import { describe, expect, it, vi } from "vitest";
import { byNoble, generateKeyPair } from "./wireguard";

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const giving = (secret: Uint8Array) => (bytes: Uint8Array) => {
  bytes.set(secret);
  return bytes;
};

describe("WireGuard keys", () => {
  it("derives what `wg pubkey` derives, and clamps as `wg genkey` does", async () => {
    const pair = await byNoble(giving(Uint8Array.from({ length: 32 }, (_, index) => index)));
    expect(pair).toEqual({
      privateKey: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=",
      publicKey: "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=",
    });
  });

  it.each(["with", "without"])("makes a pair that fits, %s WebCrypto", async (how) => {
    const getRandomValues = globalThis.crypto.getRandomValues.bind(globalThis.crypto);
    if (how === "without") vi.stubGlobal("crypto", { getRandomValues });
    const pair = await generateKeyPair();
    expect(await byNoble(giving(fromBase64(pair.privateKey)))).toEqual(pair);
  });
});
