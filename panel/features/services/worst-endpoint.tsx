import { Time } from "@/components/time";
import type { EndpointView, Service } from "@/lib/api/types";

/** "HTTP /healthz", "TCP": what is asked of each endpoint. */
export function checkText({ health }: Service): string {
  return health.kind === "http" ? `HTTP ${health.path}` : "TCP";
}

/** The one that a person looks at first; none where all serve. Control names the worst first where it leaves some out. */
export function worstOf(endpoints: readonly EndpointView[]): EndpointView | null {
  const of = (...states: EndpointView["health"][]) =>
    endpoints.find(({ health, drained }) => !drained && states.includes(health));
  return of("down", "refused") ?? of("unknown") ?? of("checking") ?? null;
}

/** Which check failed, with what answer, for how long: "nas down for 4 min, HTTP /healthz: answered 500, not 200". */
export function EndpointLine({ endpoint, service }: { endpoint: EndpointView; service?: Service | undefined }) {
  const { node, health, reason, since } = endpoint;
  return (
    <>
      {node} {health}
      {since && (
        <>
          {" "}
          for <Time at={since} plain />
        </>
      )}
      {health === "down" && service && `, ${checkText(service)}`}
      {reason && `: ${reason}`}
    </>
  );
}
