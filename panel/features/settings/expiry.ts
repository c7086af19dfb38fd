/** How near an end is. Pure. */
import type { Tone } from "@/components/state-chip";
import type { Certificate, Operator, Token } from "@/lib/api/types";

const DAY_MS = 86_400_000;
export const NEAR_DAYS = 14;

export interface Ending {
  tone: Tone;
  word: string;
}

/** `renewed`: the grid sees to it by itself, so that only a failure of that is worth a colour. */
export function endingOf(at: string, now: number, renewed = false): Ending {
  const days = Math.floor((Date.parse(at) - now) / DAY_MS);
  if (days < 0) return { tone: "bad", word: "expired" };
  const word = days === 0 ? "ends today" : days === 1 ? "1 day left" : `${days} days left`;
  const near = renewed ? 5 : NEAR_DAYS;
  return { tone: days < near ? "warning" : "healthy", word };
}

export interface Expiring {
  id: string;
  what: string;
  at: string;
  renewed: boolean;
  note: string;
  /** Its end is meant, and nobody has to do anything about it. */
  meant?: boolean;
}

/** Everything that ends by itself, the next first. */
export function expiring(
  certificates: readonly { gateway: string; certificate: Certificate }[],
  tokens: readonly Token[],
  operators: readonly Operator[],
): Expiring[] {
  const found: Expiring[] = [
    ...certificates.map(({ gateway, certificate }) => {
      const own = certificate.source === "internal";
      const renewed = own && !certificate.authority;
      const note = renewed ? "renewed by itself" : own ? "" : "renewed by you";
      return {
        id: `${gateway} ${certificate.fingerprint}`,
        what: certificate.authority
          ? `the authority of this grid, on ${gateway}`
          : `certificate ${certificate.subject.replace(/^CN=/, "")} on ${gateway}`,
        at: certificate.not_after,
        renewed,
        note,
      };
    }),
    ...tokens.map(({ id, operator, label, expires, scope }) => ({
      id,
      what: `token ${operator}/${label}`,
      at: expires,
      renewed: false,
      note: scope === "change" ? "may change" : "may look",
    })),
    ...operators.flatMap(({ name, link_until }) =>
      link_until
        ? [
            {
              id: `link ${name}`,
              what: `one-time link of ${name}`,
              at: link_until,
              renewed: false,
              note: "",
              meant: true,
            },
          ]
        : [],
    ),
  ];
  return found.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}
