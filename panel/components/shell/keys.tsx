"use client";
import { places } from "@/lib/places";
import { Dialog } from "../dialog";
import { Fact, Facts } from "../page";

export function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" opened onClose={onClose}>
      <Facts>
        <Fact name="Go anywhere">
          <kbd>⌘K</kbd> or <kbd>Ctrl K</kbd>
        </Fact>
        <Fact name="Filter a list">
          <kbd>/</kbd>
        </Fact>
        <Fact name="Walk a list">
          <kbd>j</kbd> <kbd>k</kbd> or the arrows
        </Fact>
        <Fact name="Open, close">
          <kbd>Enter</kbd> <kbd>Esc</kbd>
        </Fact>
        {places.map((place) => (
          <Fact key={place.id} name={place.name}>
            <kbd>g</kbd> <kbd>{place.key}</kbd>
          </Fact>
        ))}
      </Facts>
    </Dialog>
  );
}
