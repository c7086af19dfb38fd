/** Passkeys by the browser's own JSON forms (WebAuthn level 3), which control's library reads as they are. */
import { Problem } from "./api/problem";

export function passkeysWork(): boolean {
  return (
    typeof window !== "undefined" &&
    window.isSecureContext &&
    typeof PublicKeyCredential !== "undefined" &&
    "parseCreationOptionsFromJSON" in PublicKeyCredential
  );
}

/** Throws a Problem where the person or the browser said no. */
export async function createPasskey(options: unknown): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  return said(() => navigator.credentials.create({ publicKey }));
}

export async function askPasskey(options: unknown): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  return said(() => navigator.credentials.get({ publicKey }));
}

async function said(ask: () => Promise<Credential | null>): Promise<Record<string, unknown>> {
  try {
    const credential = await ask();
    if (credential) return (credential as PublicKeyCredential).toJSON() as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  throw new Problem({
    status: 0,
    code: "no-passkey",
    detail: "the browser gave no passkey",
    field: null,
    fix: "say yes when it asks, or use the password",
  });
}
