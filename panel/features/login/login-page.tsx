"use client";
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { ProblemNotice } from "@/components/states";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { Login } from "@/lib/api/types";
import { askPasskey, passkeysWork } from "@/lib/passkey";
import { safeBack } from "@/lib/paths";
import { DoorFrame } from "./door-frame";
import { useEnter } from "./enter";

export function LoginPage() {
  const enter = useEnter(safeBack(useSearchParams().get("back")));
  const form = useForm<Required<Login>>({ initialValues: { name: "", password: "", code: "" } });
  const login = useMutation({
    mutationFn: ({ code, ...who }: Login) =>
      answer(api.POST("/api/v1/session", { body: { ...who, code: code?.replaceAll(" ", "") || null } })),
    onSuccess: enter,
  });
  const byPasskey = useMutation({
    mutationFn: async () => {
      const options = await answer(api.POST("/api/v1/session/passkey/options"));
      const credential = await askPasskey(options);
      return answer(api.POST("/api/v1/session/passkey", { body: { credential } }));
    },
    onSuccess: enter,
  });
  const [offered, setOffered] = useState(false);
  useEffect(() => {
    setOffered(passkeysWork());
    document.title = "Log in · gridwire";
  }, []);
  const problem = login.error ? asProblem(login.error) : null;
  const codeWanted = problem?.code === "code-wanted" || form.values.code !== "";
  return (
    <DoorFrame title="Log in">
      <form onSubmit={form.onSubmit((values) => login.mutate(values))}>
        <TextInput
          label="Name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          {...form.getInputProps("name")}
        />
        <PasswordInput label="Password" autoComplete="current-password" required {...form.getInputProps("password")} />
        {codeWanted && (
          <TextInput
            label="Code"
            description="Six digits from your authenticator, or a recovery code"
            autoComplete="one-time-code"
            inputMode="numeric"
            autoFocus
            required
            {...form.getInputProps("code")}
          />
        )}
        {problem && problem.code !== "code-wanted" && <ProblemNotice problem={problem} />}
        <Button type="submit" variant="filled" loading={login.isPending}>
          Log in
        </Button>
        {offered && (
          <Button loading={byPasskey.isPending} onClick={() => byPasskey.mutate()}>
            Use a passkey
          </Button>
        )}
        {byPasskey.error && <ProblemNotice problem={asProblem(byPasskey.error)} />}
      </form>
    </DoorFrame>
  );
}
