"use client";
import { useMayChange } from "@/lib/session-query";

/**
 * What only an operator who may change has any use for, whatever address it was opened by. `looks`: it only shows
 * something by now, and stays.
 */
export function MayChange({ looks = false, children }: { looks?: boolean; children: React.ReactNode }) {
  const may = useMayChange();
  if (!may && !looks) return <p>You may look, and not change anything: ask an operator who may.</p>;
  return children;
}
