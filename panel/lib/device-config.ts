/**
 * A WireGuard configuration for the official apps, as `gridwire invite --config` writes it (cli/device.py). It holds
 * the private key, which was made here. Both are held to tests/cases/enrollment.
 */
import type { Network, Node, NodeView } from "./api/types";

const KEEPALIVE_SECONDS = 25; // what the apps suggest: below the 30 s that the shortest NATs keep a UDP flow

const whole = (address: string) => `${address}/${address.includes(":") ? 128 : 32}`;

/** wg-quick's format (wg-quick(8)); only the gateways are reached through it. */
export function deviceConfig(node: Node, privateKey: string, network: Network, gateways: readonly Node[]): string {
  const lines = [
    `# ${node.name}, ${node.role}`,
    "[Interface]",
    `PrivateKey = ${privateKey}`,
    `Address = ${whole(node.address)}`,
    `MTU = ${network.mtu}`,
  ];
  for (const gateway of gateways) {
    lines.push(
      "",
      `# ${gateway.name}`,
      "[Peer]",
      `PublicKey = ${gateway.public_key}`,
      `AllowedIPs = ${whole(gateway.address)}`,
      `Endpoint = ${gateway.endpoint}`,
      `PersistentKeepalive = ${KEEPALIVE_SECONDS}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Gateways that a device can call. */
export function callable(views: readonly NodeView[]): Node[] {
  return views.map(({ node }) => node).filter((node) => node.role === "gateway" && node.public_key && node.endpoint);
}
