import type { Crowd } from "@/lib/api/types";
import { count, plural } from "@/lib/format";

const NAMED = 6;

/** "home-1 and home-2", "role:client (12) and phone", "tag:site=a (40), home-1 and 3 others". */
export function crowdText(crowd: Crowd): string {
  const parts = crowd.groups.map((group) => `${group.selector} (${count(group.count)})`);
  const rest = crowd.groups.length > 0 ? crowd.rest : crowd.count;
  if (rest > 0) {
    const names = crowd.groups.length > 0 ? [] : crowd.nodes.slice(0, NAMED);
    parts.push(...names);
    const others = rest - names.length;
    if (others > 0)
      parts.push(names.length + crowd.groups.length > 0 ? plural(others, "other") : plural(others, "node"));
  }
  if (parts.length === 0) return "nobody";
  const last = parts.pop() as string;
  return parts.length > 0 ? `${parts.join(", ")} and ${last}` : last;
}
