import { TrafficPage } from "@/features/traffic/traffic-page";

export default function Page() {
  return <TrafficPage />;
}
