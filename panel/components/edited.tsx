"use client";
/**
 * A form is of what was read when it was opened. What somebody else changes meanwhile takes nothing out of it: that
 * comes up when it is previewed, as two versions beside each other.
 */
import { useState } from "react";
import { Loading } from "./states";

/** `settled`: whether `read` is what control has now, and no answer of before that is being asked again. */
export function Edited<T>(props: { read: T; settled: boolean; children: (began: T) => React.ReactNode }) {
  const [began, setBegan] = useState<T | null>(props.settled ? props.read : null);
  if (began !== null) return props.children(began);
  if (props.settled) setBegan(props.read);
  return <Loading what="what is there now" />;
}
