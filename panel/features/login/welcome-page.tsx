"use client";
import { Button, PasswordInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ProblemNotice } from "@/components/states";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import { fieldError } from "@/lib/form";
import { paths } from "@/lib/paths";
import { DoorFrame } from "./door-frame";
import { useEnter } from "./enter";

const SHORTEST = 12; // core/operators.py, which has the last word

/** The link is what stands after the #: browsers send that to nobody. */
export function WelcomePage() {
  const enter = useEnter(paths.overview());
  const [link, setLink] = useState<string | null>(null);
  const form = useForm({
    initialValues: { password: "", again: "" },
    validate: {
      password: (password) => (password.length < SHORTEST ? `It is shorter than ${SHORTEST} characters` : null),
      again: (again, { password }) => (again === password ? null : "The two differ"),
    },
  });
  useEffect(() => {
    document.title = "Welcome · gridwire";
    setLink(window.location.hash.slice(1));
    // Out of the address bar, and so of what is copied or looked over.
    window.history.replaceState(null, "", window.location.pathname);
  }, []);
  const claim = useMutation({
    mutationFn: ({ password }: { password: string }) =>
      answer(api.POST("/api/v1/session/claim", { body: { link: link ?? "", password } })),
    onSuccess: enter,
    onError: (error) => fieldError(asProblem(error), form),
  });
  const problem = claim.error ? asProblem(claim.error) : null;
  if (link === "") {
    return (
      <DoorFrame title="This link is not whole">
        <p>What stands after the # is missing. Open the link as it was given to you, to its end.</p>
      </DoorFrame>
    );
  }
  return (
    <DoorFrame title="Choose your password" foot="The link works once. With the password you log in from now on.">
      <form onSubmit={form.onSubmit((values) => claim.mutate(values))}>
        <PasswordInput
          label="Password"
          description="Twelve characters or more; a few words in a row are good"
          autoComplete="new-password"
          required
          {...form.getInputProps("password")}
        />
        <PasswordInput label="Once more" autoComplete="new-password" required {...form.getInputProps("again")} />
        {problem && problem.field !== "password" && <ProblemNotice problem={problem} />}
        <Button type="submit" variant="filled" loading={claim.isPending} disabled={link === null}>
          Set it and go in
        </Button>
      </form>
    </DoorFrame>
  );
}
