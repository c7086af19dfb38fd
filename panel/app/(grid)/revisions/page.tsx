import { RevisionsPage } from "@/features/revisions/revisions-page";

export default function Page() {
  return <RevisionsPage />;
}
