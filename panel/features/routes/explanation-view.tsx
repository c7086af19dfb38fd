import Link from "next/link";
import { HopLine } from "@/components/hop-line";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip, type Tone } from "@/components/state-chip";
import { sentence } from "@/components/states";
import { EndpointList } from "@/features/services/endpoint-list";
import type { Explanation } from "@/lib/api/types";
import { paths } from "@/lib/paths";

/** A refusal by policy is the grid at work; what is wrong is a way that is broken, or not known. */
export function answerTone(explanation: Explanation): Tone {
  const bad = explanation.hops.find((hop) => hop.state !== "ok");
  if (explanation.status < 400) return bad?.state === "unknown" ? "unknown" : "healthy";
  if (explanation.status >= 500) return bad?.state === "unknown" ? "unknown" : "bad";
  return "warning";
}

/** What would be answered, on which way, and why. `short`: for a drawer. */
export function ExplanationView({ explanation, short }: { explanation: Explanation; short?: boolean }) {
  const { route, verdict, miss } = explanation;
  return (
    <>
      <StateChip tone={answerTone(explanation)} word={explanation.says} />
      <HopLine hops={explanation.hops.map((hop) => ({ ...hop, detail: hop.reason }))} />
      {explanation.advice.map((line) => (
        <p key={line}>{sentence(line)}</p>
      ))}
      {!short && (
        <>
          <Facts>
            <Fact name="Answer">
              {explanation.status} {explanation.code}
            </Fact>
            <Fact name="Route">
              {route ? <Link href={paths.routes({ name: route.name })}>{route.name}</Link> : "none matches"}
            </Fact>
            {miss && (
              <Fact name="Nearest">
                <Link href={paths.routes({ name: miss.route })}>{miss.route}</Link>, {miss.why}
              </Fact>
            )}
            {verdict && (
              <Fact name="Policy">
                {verdict.allowed
                  ? `allowed by ${verdict.by.join(", ")}`
                  : `refused: it allows ${verdict.wanted.join(", ") || "nobody"}`}
              </Fact>
            )}
            {explanation.service && (
              <Fact name="Service">
                <Link href={paths.services({ name: explanation.service })}>{explanation.service}</Link>
              </Fact>
            )}
          </Facts>
          {explanation.endpoints.length > 0 && (
            <Section title="Endpoints that could take it">
              <EndpointList
                endpoints={explanation.endpoints}
                weights={Object.fromEntries(explanation.endpoints.map(({ node, weight }) => [node, weight]))}
              />
            </Section>
          )}
        </>
      )}
    </>
  );
}
