"use client";
import { useRouter } from "next/navigation";
import { MayChange } from "@/components/may-change";
import { Page } from "@/components/page";
import { paths } from "@/lib/paths";
import { useUrlState } from "@/lib/url-state";
import { RouteForm } from "./route-form";

export function AddRoutePage() {
  const router = useRouter();
  const to = useUrlState().get("to");
  return (
    <Page title="Add a route" lead="a name that devices open, and the service that it leads to">
      <MayChange>
        <RouteForm
          read={null}
          {...(to ? { to } : {})}
          onDone={(name) => router.push(paths.routes({ name }))}
          onCancel={() => router.push(paths.routes())}
        />
      </MayChange>
    </Page>
  );
}
