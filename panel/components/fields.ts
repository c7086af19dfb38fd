/** Two versions of a noun, field by field, as control's previews tell of them (core/noun_change.py). */
import type { FieldChange } from "@/lib/api/types";

function flat(value: unknown, at: string, into: Map<string, string | null>): void {
  if (value === null || typeof value !== "object" || Array.isArray(value) || isSelector(value)) {
    into.set(at, told(value));
    return;
  }
  for (const [key, inner] of Object.entries(value)) flat(inner, at ? `${at}.${key}` : key, into);
}

function isSelector(value: object): value is { kind: string; value: string } {
  return "kind" in value && "value" in value && Object.keys(value).length === 2;
}

/** A value as it is written on a command line. */
function told(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    if (value.length === 2 && typeof value[0] === "string" && /string|number/.test(typeof value[1]))
      return value.join("=");
    return value.map(told).join(", ");
  }
  if (typeof value === "object") return isSelector(value) ? `${value.kind}:${value.value}` : JSON.stringify(value);
  return String(value);
}

export function fieldsOf(before: unknown, after: unknown): FieldChange[] {
  const old = new Map<string, string | null>();
  const now = new Map<string, string | null>();
  if (before !== null && before !== undefined) flat(before, "", old);
  if (after !== null && after !== undefined) flat(after, "", now);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((field) => ({ field, before: old.get(field) ?? null, after: now.get(field) ?? null }))
    .filter(({ before, after }) => before !== after);
}
