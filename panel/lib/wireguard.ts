/**
 * X25519 key pairs, made here and sent nowhere: control only ever gets the public half. WebCrypto where it is there
 * (it wants a secure context); else the same curve in audited JavaScript.
 */

export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

const BYTES = 32;

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64Url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

/** Base64 as WireGuard writes it. */
export async function generateKeyPair(): Promise<KeyPair> {
  return (await byWebCrypto()) ?? (await byNoble());
}

async function byWebCrypto(): Promise<KeyPair | null> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  try {
    const pair = (await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
    const { d, x } = await subtle.exportKey("jwk", pair.privateKey);
    if (!d || !x) return null;
    return { privateKey: base64(clamped(fromBase64Url(d))), publicKey: base64(fromBase64Url(x)) };
  } catch {
    return null; // a browser without the curve: Chromium before 133
  }
}

export async function byNoble(random: (bytes: Uint8Array) => Uint8Array = fill): Promise<KeyPair> {
  const { x25519 } = await import("@noble/curves/ed25519.js");
  const secret = clamped(random(new Uint8Array(BYTES)));
  return { privateKey: base64(secret), publicKey: base64(x25519.getPublicKey(secret)) };
}

/** As `wg genkey` writes it; the public key is the same (RFC 7748 §5). */
function clamped(secret: Uint8Array): Uint8Array {
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  return secret;
}

/** Random values are there without a secure context too. */
function fill(bytes: Uint8Array): Uint8Array {
  return globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}
