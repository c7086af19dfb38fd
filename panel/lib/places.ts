/** The places of the panel: rail, bottom bar, palette and chords are made of this one list. */
import { paths } from "./paths";

export interface Place {
  id: string;
  name: string;
  href: string;
  /** After `g`. */
  key: string;
  /** Other words that people look for. */
  words: string;
  group: "now" | "grid" | "record";
}

export const places: readonly Place[] = [
  {
    id: "overview",
    name: "Overview",
    href: paths.overview(),
    key: "o",
    words: "home status failing graph",
    group: "now",
  },
  {
    id: "nodes",
    name: "Nodes",
    href: paths.nodes(),
    key: "n",
    words: "machines peers edges devices join",
    group: "grid",
  },
  {
    id: "services",
    name: "Services",
    href: paths.services(),
    key: "s",
    words: "upstreams endpoints health",
    group: "grid",
  },
  { id: "routes", name: "Routes", href: paths.routes(), key: "r", words: "hosts urls explain try", group: "grid" },
  { id: "policies", name: "Policies", href: paths.policies(), key: "l", words: "access allow groups", group: "grid" },
  {
    id: "traffic",
    name: "Traffic",
    href: paths.traffic(),
    key: "t",
    words: "requests errors latency p99",
    group: "now",
  },
  {
    id: "perimeter",
    name: "Perimeter",
    href: paths.perimeter(),
    key: "p",
    words: "sockets findings guard scan",
    group: "now",
  },
  {
    id: "revisions",
    name: "Revisions",
    href: paths.revisions(),
    key: "v",
    words: "history changes roll back",
    group: "record",
  },
  { id: "events", name: "Events", href: paths.events(), key: "e", words: "audit log chain", group: "record" },
  {
    id: "settings",
    name: "Settings",
    href: paths.settings(),
    key: ",",
    words: "operators tokens backups certificates notifications passkeys",
    group: "record",
  },
];

/** What is done rather than visited. */
export const deeds: readonly { id: string; name: string; href: string; words: string; changes: boolean }[] = [
  { id: "add-node", name: "Add a node", href: paths.addNode(), words: "invite join device phone", changes: true },
  { id: "add-service", name: "Add a service", href: paths.addService(), words: "new upstream", changes: true },
  { id: "add-route", name: "Add a route", href: paths.addRoute(), words: "new host url", changes: true },
  { id: "start", name: "First run", href: paths.start(), words: "setup begin steps welcome", changes: false },
  { id: "try", name: "Try a request", href: paths.tryRequest(), words: "explain why", changes: false },
];

export function placeOf(pathname: string): Place | undefined {
  const first = `/${pathname.split("/")[1] ?? ""}`;
  return places.find((place) => place.href === first);
}
