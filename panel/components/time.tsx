"use client";
import { absolute, relative, seconds } from "@/lib/format";
import { useNow } from "@/lib/now";

/** "12 s ago", with the moment itself on hover. `plain`: how long, without "ago". */
export function Time(props: { at: string | null | undefined; never?: string; plain?: boolean }) {
  const { at, never = "never", plain = false } = props;
  const now = useNow();
  if (!at) return <span className="muted">{never}</span>;
  return (
    <time dateTime={at} title={`${absolute(at)} · ${at}`}>
      {now ? (plain ? seconds(Math.max(0, now - Date.parse(at)) / 1_000) : relative(at, now)) : absolute(at)}
    </time>
  );
}
