import { AddNodePage } from "@/features/nodes/add-node-page";

export default function Page() {
  return <AddNodePage />;
}
