/** Problems of control as errors of a form's fields. */
import type { Problem } from "./api/problem";

interface Fields {
  values: object;
  setFieldError: (path: string, error: string) => void;
}

/**
 * Puts the problem at its field (`health.path`, `on.0` → `on`) and answers true; false where the form has no such
 * field, and the problem has to be shown as a whole.
 */
export function fieldError(problem: Problem, form: Fields, names: Record<string, string> = {}): boolean {
  const whole = names[problem.field ?? ""] ?? problem.field;
  if (!whole) return false;
  const parts = whole.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const path = parts.slice(0, length).join(".");
    if (!(path in form.values) && !has(form.values, parts.slice(0, length))) continue;
    const text = problem.detail.charAt(0).toUpperCase() + problem.detail.slice(1);
    form.setFieldError(path, problem.fix ? `${text}: ${problem.fix}` : text);
    return true;
  }
  return false;
}

function has(values: unknown, parts: readonly string[]): boolean {
  let at = values;
  for (const part of parts) {
    if (at === null || typeof at !== "object" || !(part in at)) return false;
    at = (at as Record<string, unknown>)[part];
  }
  return true;
}
