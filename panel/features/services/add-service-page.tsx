"use client";
import { useRouter } from "next/navigation";
import { MayChange } from "@/components/may-change";
import { Page } from "@/components/page";
import { paths } from "@/lib/paths";
import { ServiceForm } from "./service-form";

export function AddServicePage() {
  const router = useRouter();
  return (
    <Page title="Add a service" lead="what runs on edges, and where it listens there">
      <MayChange>
        <ServiceForm
          read={null}
          nodes={[]}
          onDone={(name) => router.push(paths.services({ name }))}
          onCancel={() => router.push(paths.services())}
        />
      </MayChange>
    </Page>
  );
}
