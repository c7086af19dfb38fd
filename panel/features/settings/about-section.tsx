"use client";
import { Command } from "@/components/copy";
import { Fact, Facts, Section } from "@/components/page";
import { Answered } from "@/components/states";
import { useOverview } from "@/features/overview/queries";

export function AboutSection() {
  const overview = useOverview();
  return (
    <Section title="About">
      <Answered query={overview} what="the grid" rows={3}>
        {(found) => (
          <Facts>
            <Fact name="Gridwire">{found.version}</Fact>
            <Fact name="Grid">{found.suffix}</Fact>
            <Fact name="Revision">
              {found.revision} of epoch {found.epoch}
            </Fact>
          </Facts>
        )}
      </Answered>
      <p>Looks at a host and at the way to it, and says what is wrong:</p>
      <Command text="gridwire doctor" />
      <p>This panel, when the mesh itself is broken, over ssh:</p>
      <Command text="gridwire panel" />
    </Section>
  );
}
