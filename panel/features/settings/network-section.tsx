"use client";
import { Command } from "@/components/copy";
import { Fact, Facts, Section } from "@/components/page";
import { Answered } from "@/components/states";
import { useNetwork } from "@/features/nodes/queries";
import { selectorText } from "@/lib/selector";

export function NetworkSection() {
  const network = useNetwork();
  return (
    <Section title="Network">
      <Answered query={network} what="the network" rows={6}>
        {(found) => (
          <>
            <p className="muted">
              Fixed by the settings file of each gateway: what is changed there is followed at its start.
            </p>
            <Facts>
              <Fact name="Mesh" mono>
                {found.prefix} on {found.interface}
              </Fact>
              <Fact name="Suffix">{found.suffix}</Fact>
              <Fact name="Provider">{found.provider}</Fact>
              <Fact name="MTU">{found.mtu}</Fact>
              <Fact name="Ports">
                routes {found.routes_port}, API and panel {found.api_port}, enrolment {found.enrol_port}, edges{" "}
                {found.edge_port}
              </Fact>
              <Fact name="TLS">
                {found.tls === "off"
                  ? "off: what crosses the mesh is encrypted by WireGuard alone"
                  : `by the grid's own authority: routes ${found.tls_port}, panel ${found.panel_port}`}
              </Fact>
              <Fact name="Approved by rule">{found.approve.map(selectorText).join(", ") || "nobody"}</Fact>
            </Facts>
            <Command text="/etc/gridwire/gridwire.yaml" what="the path" />
          </>
        )}
      </Answered>
    </Section>
  );
}
