"use client";
import { Command, Copyable } from "@/components/copy";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, Empty } from "@/components/states";
import type { Certificate } from "@/lib/api/types";
import { absolute } from "@/lib/format";
import { useNow } from "@/lib/now";
import { endingOf } from "./expiry";
import { useCertificates } from "./queries";

export function CertificatesSection() {
  const certificates = useCertificates();
  return (
    <Section title="Certificates">
      <Answered query={certificates} what="certificates" rows={3}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No certificate is in use">
              <p>
                The panel answers over plain HTTP, inside WireGuard. With a certificate a browser also offers passkeys
                and the clipboard.
              </p>
              <Command text="tls: {mode: internal}" what="the setting" />
            </Empty>
          ) : (
            <>
              {all.map(({ gateway, certificate }) => (
                <One key={gateway + certificate.fingerprint} gateway={gateway} certificate={certificate} />
              ))}
              <p>
                Devices trust the grid's own once they have its authority: <a href="/ca.pem">download ca.pem</a>.
              </p>
              <Command text="gridwire ca show" />
            </>
          )
        }
      </Answered>
    </Section>
  );
}

function One({ gateway, certificate }: { gateway: string; certificate: Certificate }) {
  const now = useNow();
  const ending = now ? endingOf(certificate.not_after, now, certificate.source === "internal") : null;
  return (
    <Facts>
      <Fact name={certificate.authority ? "Authority" : "Certificate"}>
        <b>{certificate.subject}</b> {ending && <StateChip tone={ending.tone} word={ending.word} />}
      </Fact>
      <Fact name="On">{gateway}</Fact>
      {certificate.names.length > 0 && <Fact name="For">{certificate.names.join(", ")}</Fact>}
      <Fact name="From">
        {certificate.source === "internal" ? "the grid itself, renewed by itself" : certificate.issuer}
      </Fact>
      <Fact name="Until">{absolute(certificate.not_after)}</Fact>
      <Fact name="SHA-256">
        <Copyable text={certificate.fingerprint} what="the fingerprint" />
      </Fact>
    </Facts>
  );
}
