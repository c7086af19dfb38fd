/** Figures as people read them. One place, so that the same thing looks the same on every page. */

const NARROW = "\u202f"; // a narrow no-break space between figure and unit (ISO 80000-1 wants a space)
const UNKNOWN = "–";
const DIGITS = new Intl.NumberFormat("en-US"); // made once: to make one takes longer than a thousand of its answers

export type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function significant(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  // 999.5 would be shown as 1000 of the smaller unit.
  while (Math.abs(rest) >= base - 0.5 && unit < units.length - 1) {
    rest /= base;
    unit += 1;
  }
  const name = units[unit] ?? "";
  return name ? `${significant(rest)}${NARROW}${name}` : significant(rest);
}

/** 12,345: every digit, for what is counted. */
export function count(value: Maybe): string {
  return known(value) ? DIGITS.format(Math.round(value)) : UNKNOWN;
}

/** 1.23 k, for figures that move. */
export function compact(value: Maybe): string {
  return known(value) ? scaled(value, 1000, ["", "k", "M", "G"]) : UNKNOWN;
}

export function bytes(value: Maybe): string {
  return known(value) ? scaled(value, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]) : UNKNOWN;
}

export function bytesPerSecond(value: Maybe): string {
  return known(value) ? `${bytes(value)}/s` : UNKNOWN;
}

export function perSecond(value: Maybe): string {
  return known(value) ? `${compact(value)}/s` : UNKNOWN;
}

/** A share from 0 to 1 as per cent. What is not nothing is never shown as 0 %. */
export function share(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const percent = value * 100;
  if (percent > 0 && percent < 0.01) return `<0.01${NARROW}%`;
  if (percent < 100 && percent > 99.99) return `>99.99${NARROW}%`;
  return `${significant(percent)}${NARROW}%`;
}

export function milliseconds(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  return value >= 999.5 ? seconds(value / 1000) : `${significant(value)}${NARROW}ms`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** 42 s, 3 min 5 s, 2 h 10 min, 4 d 3 h: the two largest units. */
export function seconds(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  if (value < 10) return `${significant(value)}${NARROW}s`;
  let rest = Math.round(value);
  const parts: string[] = [];
  for (const [size, unit] of STEPS) {
    const whole = Math.floor(rest / size);
    if (whole === 0 && parts.length === 0) continue;
    if (whole > 0) parts.push(`${whole}${NARROW}${unit}`);
    rest -= whole * size;
    if (parts.length === 2 || (parts.length === 1 && whole === 0)) break;
  }
  return parts.join(" ");
}

/** "12 s ago", "in 4 min", "now": one unit, which is enough to decide by. */
export function relative(at: string | Date | null | undefined, now: number): string {
  if (!at) return "never";
  const then = new Date(at).getTime();
  if (Number.isNaN(then)) return UNKNOWN;
  const past = (now - then) / 1000;
  const distance = Math.abs(past);
  if (distance < 1) return "now";
  const [size, unit] = STEPS.find(([size]) => distance >= size) ?? [1, "s"];
  const text = `${Math.floor(distance / size)}${NARROW}${unit}`;
  return past > 0 ? `${text} ago` : `in ${text}`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** 2026-03-01 14:05:09 in the reader's zone; the order sorts and is read the same everywhere. */
export function absolute(at: string | Date | null | undefined): string {
  if (!at) return "never";
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(date)}`;
}

export function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "1 node", "3 nodes", "2 policies". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** An ISO 8601 duration, as control writes a timedelta, in seconds. */
export function durationSeconds(text: string | null | undefined): number | null {
  const found = /^(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text ?? "");
  if (!found) return null;
  const [, minus, days = "0", hours = "0", minutes = "0", rest = "0"] = found;
  const total = Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(rest);
  return minus ? -total : total;
}
