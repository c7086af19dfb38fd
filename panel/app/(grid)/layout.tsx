import { Shell } from "@/components/shell/shell";

export default function GridLayout({ children }: { children: React.ReactNode }) {
  return <Shell>{children}</Shell>;
}
