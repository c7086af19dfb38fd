import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import Link from "next/link";

/** A list's first action: to the page that adds one. */
export function AddLink({ href, children }: { href: string; children: React.ReactNode }) {
  return (
    <Button component={Link} href={href} variant="filled" leftSection={<IconPlus size={14} aria-hidden="true" />}>
      {children}
    </Button>
  );
}
