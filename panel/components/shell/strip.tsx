"use client";
import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import { IconDeviceDesktop, IconLogout, IconMoon, IconSearch, IconSun, IconUser } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useOverview } from "@/features/overview/queries";
import { ask } from "@/lib/api/client";
import type { PerimeterVerdict } from "@/lib/api/types";
import { clock } from "@/lib/format";
import { type LiveState, useLiveState } from "@/lib/live-state";
import { useNow } from "@/lib/now";
import { paths } from "@/lib/paths";
import { useSession } from "@/lib/session-query";
import { Mark } from "../mark";
import { StateChip, type Tone } from "../state-chip";
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
      <div className={classes.verdict}>
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

export function LiveMark() {
  const { tone, word, title } = LIVE[useLiveState()];
  return (
    <span className={classes.live} role="status">
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

function Account() {
  const session = useSession().data;
  const client = useQueryClient();
  const router = useRouter();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = async () => {
    await ask("DELETE", "/api/v1/session");
    client.clear();
    router.replace(paths.login());
  };
  return (
    <Menu position="bottom-end" width={216} transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <ActionIcon variant="subtle" className={classes.account ?? ""} aria-label="Account and appearance">
          <IconUser size={16} aria-hidden="true" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session ? `${session.operator} on ${session.node}, may ${session.may}` : "Not logged in"}
        </Menu.Label>
        {(
          [
            ["auto", "As the system", IconDeviceDesktop],
            ["light", "Light", IconSun],
            ["dark", "Dark", IconMoon],
          ] as const
        ).map(([scheme, name, Glyph]) => (
          <Menu.Item
            key={scheme}
            leftSection={<Glyph size={14} aria-hidden="true" />}
            rightSection={colorScheme === scheme ? "✓" : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={14} aria-hidden="true" />} onClick={() => void leave()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
