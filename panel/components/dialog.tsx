"use client";
import dynamic from "next/dynamic";

/** A question that has to be answered before anything else. Its frame is loaded with the first of them. */
export const Dialog = dynamic(() => import("./dialog-frame"), { ssr: false });
