import { NodesPage } from "@/features/nodes/nodes-page";

export default function Page() {
  return <NodesPage />;
}
