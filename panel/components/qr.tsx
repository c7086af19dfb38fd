"use client";
import { useMemo } from "react";
import { encode } from "uqr";
import classes from "./qr.module.css";

/** A QR code, dark on white in either theme: cameras want it so. `what` says what is in it. */
export function QrCode({ text, what }: { text: string; what: string }) {
  const { d, size } = useMemo(() => {
    const code = encode(text, { ecc: "M", border: 4 });
    const cells = code.data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
    return { d: cells.join(""), size: code.size };
  }, [text]);
  return (
    <svg
      className={classes.code}
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={what}
      shapeRendering="crispEdges"
    >
      <path d={`M0 0h${size}v${size}H0z`} fill="#fff" />
      <path d={d} fill="#000" />
    </svg>
  );
}
