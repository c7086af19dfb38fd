"use client";
import { Button, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { Dialog } from "@/components/dialog";
import { Form } from "@/components/form";
import { Section } from "@/components/page";
import { Answered, ProblemNotice } from "@/components/states";
import { Time } from "@/components/time";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import { createPasskey, passkeysWork } from "@/lib/passkey";
import { useAct } from "./act";
import { usePasskeys } from "./queries";
import classes from "./settings-page.module.css";

export function PasskeysSection() {
  const passkeys = usePasskeys();
  const [adding, setAdding] = useState(false);
  const form = useForm({
    initialValues: { label: "" },
    validate: { label: (label) => (label.trim() ? null : "Give it a name that you know it by, as laptop") },
  });
  const add = useAct(
    async (label: string) => {
      const options = await answer(api.POST("/api/v1/passkeys/options"));
      const credential = await createPasskey(options);
      return answer(api.POST("/api/v1/passkeys", { body: { label, credential } }));
    },
    (label) => `The passkey ${label} opens the panel from now on`,
    () => {
      setAdding(false);
      form.reset();
    },
  );
  const remove = useAct(
    (id: string) => answer(api.DELETE("/api/v1/passkeys/{id}", { params: { path: { id } } })),
    () => "That passkey opens nothing any more",
  );
  return (
    <Section
      title="Passkeys"
      aside={
        passkeysWork() && (
          <Button size="xs" onClick={() => setAdding(true)}>
            Add one…
          </Button>
        )
      }
    >
      {!passkeysWork() && (
        <p className="muted">
          A browser offers them over HTTPS only: open the panel by its https address, once this device trusts the grid's
          authority.
        </p>
      )}
      {remove.error && <ProblemNotice problem={asProblem(remove.error)} />}
      <Answered query={passkeys} what="passkeys" rows={1}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">None.</p>
          ) : (
            <ul className={classes.list}>
              {all.map((passkey) => (
                <li key={passkey.id}>
                  <b>{passkey.label}</b>
                  <span className="muted">
                    used <Time at={passkey.used} />
                  </span>
                  <Button size="xs" onClick={() => remove.mutate(passkey.id)}>
                    Remove
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
      <Dialog title="Add a passkey" opened={adding} onClose={() => setAdding(false)}>
        <Form verb="Add it" onSubmit={form.onSubmit(({ label }) => add.mutate(label.trim()))}>
          <TextInput label="Name" {...form.getInputProps("label")} />
          {add.error && <ProblemNotice problem={asProblem(add.error)} />}
        </Form>
      </Dialog>
    </Section>
  );
}
