import { AddRoutePage } from "@/features/routes/add-route-page";

export default function Page() {
  return <AddRoutePage />;
}
