import { WelcomePage } from "@/features/login/welcome-page";

export default function Page() {
  return <WelcomePage />;
}
