"use client";
import { Section } from "@/components/page";
import { InvitationProgress } from "./invitation-progress";

/** In the drawer of a node that is not in yet. */
export function InvitationSection({ name }: { name: string }) {
  return (
    <Section title="How far it has come">
      <InvitationProgress name={name} asks={false} />
    </Section>
  );
}
