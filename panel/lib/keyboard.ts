/** Keys that work everywhere: `/` to the filter, `g n` to a place, ⌘K or Ctrl-K for the palette, `?` for the keys. */
import { places } from "./places";

export interface Deeds {
  goTo: (href: string) => void;
  palette: () => void;
  keys: () => void;
}

const CHORD_MS = 1_000;

/** Where letters are text, they are no commands. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable=true]") !== null;
}

/** A listener of keydown. */
export function keyboard(deeds: Deeds): (event: KeyboardEvent) => void {
  let chord = 0;
  return (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      deeds.palette();
      return;
    }
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    if (event.target instanceof Element && event.target.closest("[role=dialog]")) return;
    const now = Date.now();
    if (now - chord < CHORD_MS) {
      chord = 0;
      const place = places.find(({ key }) => key === event.key);
      if (place) {
        event.preventDefault();
        deeds.goTo(place.href);
      }
      return;
    }
    if (event.key === "g") chord = now;
    else if (event.key === "?") deeds.keys();
    else if (event.key === "/") {
      const filter = document.querySelector<HTMLInputElement>("[data-filter]");
      if (!filter) return;
      event.preventDefault();
      filter.focus();
      filter.select();
    }
  };
}
