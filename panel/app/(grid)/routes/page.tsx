import { RoutesPage } from "@/features/routes/routes-page";

export default function Page() {
  return <RoutesPage />;
}
