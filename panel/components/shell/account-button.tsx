import { IconUser } from "@tabler/icons-react";
import type { ComponentPropsWithRef } from "react";
import classes from "./strip.module.css";

export function AccountButton(props: ComponentPropsWithRef<"button">) {
  return (
    <button
      type="button"
      aria-label="Account and appearance"
      aria-haspopup="menu"
      {...props}
      className={classes.account}
    >
      <IconUser size={16} aria-hidden="true" />
    </button>
  );
}
