/** What a person types of a node, as control will take it (core/names.py, core/targets.py). Pure. */

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const KEY = /^[a-z][a-z0-9_.-]{0,62}$/;
const VALUE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
// Only what a shell takes literally: it goes into a command. The rest is for the node to judge.
const REACH =
  /^(?:unix:\/[\w./-]+|[0-9A-Fa-f.:[\]]+(?:\/\d{1,3})?:\d{1,5}(?:-\d{1,5})?|\[[0-9A-Fa-f:.]+(?:\/\d+)?\]:\d{1,5}(?:-\d{1,5})?)$/;

export type Tag = [string, string];

export function nameError(name: string): string | null {
  if (!name.trim()) return "It needs a name, as home-1 or phone";
  return LABEL.test(name.trim()) ? null : "Use 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
}

/** Null for what no tag is. */
export function parseTag(text: string): Tag | null {
  const at = text.indexOf("=");
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  return at > 0 && KEY.test(key) && VALUE.test(value) ? [key, value] : null;
}

export const tagText = ([key, value]: readonly [string, string]) => `${key}=${value}`;

/** What is wrong with these, or null. */
export function tagsError(texts: readonly string[]): string | null {
  const bad = texts.find((text) => parseTag(text) === null);
  if (bad !== undefined) return `“${bad}” is no tag: write key=value, as site=home`;
  const keys = texts.map((text) => text.slice(0, text.indexOf("=")).trim());
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  return twice ? `${twice} stands there twice: give each key once` : null;
}

export function tagsOf(texts: readonly string[]): Tag[] {
  return texts.map(parseTag).filter((tag) => tag !== null);
}

export function reachError(texts: readonly string[]): string | null {
  const bad = texts.find((text) => !REACH.test(text.trim()));
  return bad === undefined ? null : `“${bad}” is none: write 127.0.0.1:9000, 192.168.1.0/24:443 or unix:/run/app.sock`;
}

/** What is run on the host that joins; it asks for the token, which stands in no command line. */
export function joinCommand(reach: readonly string[]): string {
  return ["gridwire join", ...reach.map((rule) => `--reach ${quoted(rule.trim())}`)].join(" ");
}

/** Brackets are globs to zsh. */
function quoted(text: string): string {
  return /[[\]]/.test(text) ? `'${text}'` : text;
}

export const INSTALL = [
  "python3 -m venv /opt/gridwire",
  "/opt/gridwire/bin/pip install --quiet gridwire",
  "ln -s /opt/gridwire/bin/gridwire /usr/local/bin/gridwire",
  "gridwire prerequisites",
].join("\n");

export const LIFETIMES = [
  { value: "900", label: "15 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
];
