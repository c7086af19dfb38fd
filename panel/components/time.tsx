"use client";
import { absolute, relative } from "@/lib/format";
import { useNow } from "@/lib/now";

/** "12 s ago", with the moment itself on hover. */
export function Time({ at, never = "never" }: { at: string | null | undefined; never?: string }) {
  const now = useNow();
  if (!at) return <span className="muted">{never}</span>;
  return (
    <time dateTime={at} title={`${absolute(at)} · ${at}`}>
      {now ? relative(at, now) : absolute(at)}
    </time>
  );
}
