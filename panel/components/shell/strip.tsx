"use client";
import { IconSearch } from "@tabler/icons-react";
import dynamic from "next/dynamic";
import Link from "next/link";
import { useState } from "react";
import { useOverview } from "@/features/overview/queries";
import type { PerimeterVerdict } from "@/lib/api/types";
import { clock } from "@/lib/format";
import { type LiveState, useLiveState } from "@/lib/live-state";
import { useNow } from "@/lib/now";
import { paths } from "@/lib/paths";
import { Mark } from "../mark";
import { StateChip, type Tone } from "../state-chip";
import { AccountButton } from "./account-button";
import classes from "./strip.module.css";

/** 40 px at the top: which grid, is it closed, is this live, what time is it, how to get anywhere. */
export function Strip({ onPalette }: { onPalette: () => void }) {
  const overview = useOverview().data;
  return (
    <header className={classes.strip}>
      <Link href={paths.overview()} className={classes.grid} title="Overview">
        <Mark />
        <span>{overview?.suffix ?? "gridwire"}</span>
      </Link>
      <div>
        <Verdict />
      </div>
      <div className={classes.right}>
        <LiveMark />
        <Clock />
        <button type="button" className={classes.find} onClick={onPalette} aria-keyshortcuts="Meta+K Control+K">
          <IconSearch size={14} aria-hidden="true" />
          <span>Go to…</span>
          <kbd>⌘K</kbd>
        </button>
        <Account />
      </div>
    </header>
  );
}

export const PERIMETER: Record<PerimeterVerdict["state"], { tone: Tone; word: string }> = {
  well: { tone: "healthy", word: "Perimeter closed" },
  findings: { tone: "bad", word: "Perimeter has findings" },
  unknown: { tone: "unknown", word: "Perimeter unknown" },
};

function Verdict() {
  const perimeter = useOverview().data?.perimeter;
  if (!perimeter) return null;
  return (
    <Link href={paths.perimeter()} className={classes.quiet} title={perimeter.say}>
      <StateChip tone={PERIMETER[perimeter.state].tone} word={PERIMETER[perimeter.state].word} />
    </Link>
  );
}

const LIVE: Record<LiveState, { tone: Tone; word: string; title: string }> = {
  connecting: { tone: "working", word: "Connecting", title: "The stream of changes is being opened" },
  live: { tone: "healthy", word: "Live", title: "Changes are shown as they happen" },
  reconnecting: { tone: "warning", word: "Reconnecting", title: "The stream is away: asked every 5 s meanwhile" },
  offline: { tone: "unknown", word: "Offline", title: "Control does not answer: what is shown is as old as it says" },
};

function LiveMark() {
  const { tone, word, title } = LIVE[useLiveState()];
  return (
    <span role="status">
      <StateChip tone={tone} word={word} title={title} />
    </span>
  );
}

function Clock() {
  const now = useNow();
  const date = new Date(now);
  return (
    <time className={classes.clock} title={now ? date.toISOString() : undefined}>
      {now ? clock(date) : "--:--:--"}
    </time>
  );
}

const AccountMenu = dynamic(() => import("./account-menu"), { ssr: false });

/** A plain button until it is pressed: menus weigh more than the rest of the strip. */
function Account() {
  const [wanted, setWanted] = useState(false);
  if (wanted) return <AccountMenu />;
  return <AccountButton onClick={() => setWanted(true)} />;
}
