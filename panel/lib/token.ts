/**
 * The token of an invitation, composed here as `gridwire invite` does (core/enrollment.py): control knows no more than
 * the public half of its key. Both are held to tests/cases/enrollment.
 */
import type { Invited } from "./api/types";

const MAGIC = "gw1_";
const CHECKSUM_BYTES = 6;

/** Python's json.dumps, whose letters beyond ASCII are escaped; keys stand in the order of the alphabet. */
function json(value: unknown): string {
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, escaped);
}

/** `privateKey` makes it a secret: it is shown once, and goes into no address, storage or request. */
export async function composeToken(invited: Invited, privateKey: string): Promise<string> {
  const { node, network, gateways } = invited;
  const body = json({
    a: node.address,
    c: network.api_port,
    d: network.edge_port,
    e: network.enrol_port,
    g: gateways.map((gateway) => [gateway.node, gateway.public_key, gateway.endpoint, gateway.address]),
    i: network.interface,
    k: privateKey,
    m: network.mtu,
    n: node.name,
    p: network.prefix,
    r: node.role,
    s: network.suffix,
    w: network.routes_port,
    x: Math.floor(Date.parse(invited.expires) / 1_000),
  });
  const { sha256 } = await import("@noble/hashes/sha2.js"); // WebCrypto wants a secure context
  const bytes = new TextEncoder().encode(body);
  const sealed = new Uint8Array([...bytes, ...sha256(bytes).slice(0, CHECKSUM_BYTES)]);
  const base64 = btoa(String.fromCharCode(...sealed));
  return MAGIC + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
