import { AddServicePage } from "@/features/services/add-service-page";

export default function Page() {
  return <AddServicePage />;
}
