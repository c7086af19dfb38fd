import Link from "next/link";
import { Page } from "@/components/page";
import { Shell } from "@/components/shell/shell";
import { Empty } from "@/components/states";
import { paths } from "@/lib/paths";

export default function NotFound() {
  return (
    <Shell>
      <Page title="There is no such page">
        <Empty title="Nothing of the grid is here">
          <p>
            A name that was renamed or removed is found through the list of its kind. ⌘K or Ctrl-K goes anywhere, and{" "}
            <Link href={paths.overview()}>Overview</Link> shows what is failing.
          </p>
        </Empty>
      </Page>
    </Shell>
  );
}
