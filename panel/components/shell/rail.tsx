"use client";
import {
  type Icon,
  IconActivity,
  IconBinaryTree,
  IconDots,
  IconGitCommit,
  IconKey,
  IconLayoutDashboard,
  IconList,
  IconRoute,
  IconServer2,
  IconSettings,
  IconShield,
} from "@tabler/icons-react";
import Link from "next/link";
import { type Place, placeOf, places } from "@/lib/places";
import classes from "./rail.module.css";

const ICONS: Record<string, Icon> = {
  overview: IconLayoutDashboard,
  nodes: IconServer2,
  services: IconBinaryTree,
  routes: IconRoute,
  policies: IconKey,
  traffic: IconActivity,
  perimeter: IconShield,
  revisions: IconGitCommit,
  events: IconList,
  settings: IconSettings,
};

const GROUPS = ["now", "grid", "record"] as const;
const BAR = ["overview", "nodes", "routes", "perimeter"];

function Entry({ place, here }: { place: Place; here: boolean }) {
  const Glyph = ICONS[place.id] ?? IconList;
  return (
    <Link
      href={place.href}
      className={classes.entry}
      aria-current={here ? "page" : undefined}
      aria-keyshortcuts={`g ${place.key}`}
      title={`${place.name} (g ${place.key})`}
    >
      <Glyph size={16} stroke={1.6} aria-hidden="true" />
      <span>{place.name}</span>
    </Link>
  );
}

export function Rail({ pathname }: { pathname: string }) {
  const here = placeOf(pathname);
  return (
    <nav className={classes.rail} aria-label="Places">
      {GROUPS.map((group) => (
        <ul key={group}>
          {places
            .filter((place) => place.group === group)
            .map((place) => (
              <li key={place.id}>
                <Entry place={place} here={place === here} />
              </li>
            ))}
        </ul>
      ))}
    </nav>
  );
}

/** At 390 px: four places and the way to all others. */
export function BottomBar({ pathname, onMore }: { pathname: string; onMore: () => void }) {
  const here = placeOf(pathname);
  return (
    <nav className={classes.bar} aria-label="Places">
      {places
        .filter((place) => BAR.includes(place.id))
        .map((place) => (
          <Entry key={place.id} place={place} here={place === here} />
        ))}
      <button type="button" className={classes.entry} onClick={onMore}>
        <IconDots size={16} stroke={1.6} aria-hidden="true" />
        <span>More</span>
      </button>
    </nav>
  );
}
