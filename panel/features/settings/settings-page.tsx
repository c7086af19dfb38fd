"use client";
/** What expires, who can log in, and how this grid is set. */
import { Tabs } from "@mantine/core";
import { Page } from "@/components/page";
import { useUrlState } from "@/lib/url-state";
import { AboutSection } from "./about-section";
import { CertificatesSection } from "./certificates-section";
import { GlanceSection } from "./glance-section";
import { NetworkSection } from "./network-section";
import { NotificationsSection } from "./notifications-section";
import { OperatorsSection } from "./operators-section";
import classes from "./settings-page.module.css";
import { TokensSection } from "./tokens-section";
import { YouSection } from "./you-section";

const PARTS = [
  { id: "glance", name: "At a glance", part: GlanceSection },
  { id: "you", name: "You", part: YouSection },
  { id: "operators", name: "Operators", part: OperatorsSection },
  { id: "tokens", name: "Tokens", part: TokensSection },
  { id: "notifications", name: "Notifications", part: NotificationsSection },
  { id: "certificates", name: "Certificates", part: CertificatesSection },
  { id: "network", name: "Network", part: NetworkSection },
  { id: "about", name: "About", part: AboutSection },
] as const;

export function SettingsPage() {
  const url = useUrlState();
  const shown = PARTS.find(({ id }) => id === url.get("show")) ?? PARTS[0];
  return (
    <Page title="Settings">
      <Tabs value={shown.id} onChange={(id) => url.set({ show: id === PARTS[0].id ? null : id }, { push: true })}>
        <Tabs.List aria-label="Settings">
          {PARTS.map(({ id, name }) => (
            <Tabs.Tab key={id} value={id}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {PARTS.map(({ id, part: Part }) => (
          <Tabs.Panel key={id} value={id} className={classes.part ?? ""}>
            {id === shown.id && <Part />}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
