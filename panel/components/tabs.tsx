"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useUrlState } from "@/lib/url-state";
import classes from "./tabs.module.css";

/** Parts of a drawer, each with its own URL: `?show=`. The first is the one without. */
export function DrawerTabs(props: { label: string; tabs: readonly { id: string; name: string }[] }) {
  const params = useSearchParams();
  const path = usePathname();
  const url = useUrlState();
  const shown = params.get("show") ?? "";
  const hrefOf = (id: string) => {
    const next = new URLSearchParams(params);
    if (id) next.set("show", id);
    else next.delete("show");
    return `${path}?${next}`;
  };
  return (
    <nav className={classes.tabs} aria-label={props.label}>
      {props.tabs.map(({ id, name }) => (
        <a
          key={id}
          href={hrefOf(id)}
          aria-current={shown === id ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a tab of the browser's
            event.preventDefault();
            url.set({ show: id || null });
          }}
        >
          {name}
        </a>
      ))}
    </nav>
  );
}
