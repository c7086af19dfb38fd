/** `operator:ada` → "ada", `token:ada/ci` → "ada/ci (token)"; who has no kind is as written. */
export function authorText(author: string): string {
  const at = author.indexOf(":");
  if (at < 0) return author;
  const [kind, rest] = [author.slice(0, at), author.slice(at + 1)];
  return kind === "operator" ? rest : `${rest} (${kind})`;
}
