"use client";
/** ⌘K: type a few letters of a place, a deed, a node, a service or a route; Enter goes there. */
import { Modal } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import type { NodeView, RouteOutcome, ServiceOutcome } from "@/lib/api/types";
import { paths } from "@/lib/paths";
import { deeds, places } from "@/lib/places";
import { keys } from "@/lib/query";
import { useMayChange } from "@/lib/session-query";
import classes from "./palette.module.css";
import { type Entry, matching } from "./palette-match";

const MOST = 12;

export function Palette({ onClose }: { onClose: () => void }) {
  const router = useRouter();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const active = useRef<HTMLLIElement>(null);
  const entries = useEntries();
  const found = useMemo(() => matching(entries, typed).slice(0, MOST), [entries, typed]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows the choice
  useEffect(() => active.current?.scrollIntoView({ block: "nearest" }), [at]);

  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    router.push(entry.href);
  };
  const pressed = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt((before) => (before + step + found.length) % Math.max(found.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(found[at]);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={560}
      yOffset={80}
      transitionProps={{ duration: 0 }}
      aria-label="Go to"
    >
      <input
        className={classes.input}
        data-autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[at] ? `${list}-${at}` : undefined}
        aria-label="Go to a place, node, service or route"
        placeholder="Go to a place, node, service or route"
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={pressed}
      />
      <ul id={list} className={classes.list} aria-label="Found" role="listbox">
        {found.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's
          <li
            key={entry.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            ref={index === at ? active : undefined}
            onMouseMove={() => setAt(index)}
            onClick={() => go(entry)}
          >
            <span>{entry.name}</span>
            <span className={classes.kind}>{entry.kind}</span>
            {entry.key && <kbd>g {entry.key}</kbd>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className={classes.none}>Nothing is called that.</p>}
    </Modal>
  );
}

/** What can be gone to: of the grid, what a page has asked for already; the palette itself asks nothing. */
function useEntries(): Entry[] {
  const client = useQueryClient();
  const may = useMayChange();
  return useMemo(() => {
    const known = <T,>(key: readonly string[]) => client.getQueryData<T[]>(key) ?? [];
    return [
      ...places.map((place) => ({
        id: place.id,
        kind: "place",
        name: place.name,
        href: place.href,
        words: place.words,
        key: place.key,
      })),
      ...deeds
        .filter((deed) => may || !deed.changes)
        .map((deed) => ({ id: deed.id, kind: "do", name: deed.name, href: deed.href, words: deed.words })),
      ...known<NodeView>(keys.nodes).map(({ node }) => ({
        id: `node/${node.name}`,
        kind: "node",
        name: node.name,
        href: paths.nodes({ name: node.name }),
        words: `${node.role} ${node.address}`,
      })),
      ...known<ServiceOutcome>(keys.services).map(({ service }) => ({
        id: `service/${service.name}`,
        kind: "service",
        name: service.name,
        href: paths.services({ name: service.name }),
        words: "",
      })),
      ...known<RouteOutcome>(keys.routes).map(({ route, url }) => ({
        id: `route/${route.name}`,
        kind: "route",
        name: route.name,
        href: paths.routes({ name: route.name }),
        words: url,
      })),
    ];
  }, [client, may]);
}
