import { PerimeterPage } from "@/features/perimeter/perimeter-page";

export default function Page() {
  return <PerimeterPage />;
}
