"use client";
import { HopLine } from "@/components/hop-line";
import { Figure, Figures, Page, Section } from "@/components/page";
import { Answered } from "@/components/states";
import { Time } from "@/components/time";
import { milliseconds, perSecond, plural, share } from "@/lib/format";
import { useOverview } from "./queries";

export function OverviewPage() {
  const overview = useOverview();
  return (
    <Page title="Overview">
      <Answered query={overview} what="the grid" rows={6}>
        {(now) => (
          <>
            {now.failing.length === 0 ? (
              <p>{plural(now.routes, "route")} answer.</p>
            ) : (
              <Section title="Failing now">
                {now.failing.map((route) => (
                  <div key={route.route}>
                    <b>{route.url}</b> since <Time at={route.since} />
                    <HopLine hops={route.hops} />
                  </div>
                ))}
              </Section>
            )}
            <Figures>
              <Figure name="Requests" value={perSecond(now.traffic?.requests_per_second)} />
              <Figure name="Errors" value={share(now.traffic?.error_share)} />
              <Figure name="p99" value={milliseconds(now.traffic?.p99_ms)} />
              <Figure name="Nodes up" value={`${now.nodes.up} of ${now.nodes.total}`} />
            </Figures>
          </>
        )}
      </Answered>
    </Page>
  );
}
