"use client";
import { Button } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "@/components/dialog";
import { Section } from "@/components/page";

/** A section whose button opens a form. `form` is given what closes it, once something was added. */
export function AddingSection(props: {
  title: string;
  button: string;
  dialog: string;
  may: boolean;
  form: (close: () => void) => React.ReactNode;
  children: React.ReactNode;
}) {
  const [adding, setAdding] = useState(false);
  const close = () => setAdding(false);
  return (
    <Section
      title={props.title}
      aside={
        props.may && (
          <Button size="xs" onClick={() => setAdding(true)}>
            {props.button}
          </Button>
        )
      }
    >
      {props.children}
      <Dialog title={props.dialog} opened={adding} onClose={close}>
        {adding && props.form(close)}
      </Dialog>
    </Section>
  );
}
