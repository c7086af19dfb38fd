import { TryPage } from "@/features/routes/try-page";

export default function Page() {
  return <TryPage />;
}
