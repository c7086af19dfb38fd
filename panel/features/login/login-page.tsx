"use client";
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { ProblemNotice } from "@/components/states";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import type { Login, Session } from "@/lib/api/types";
import { askPasskey, passkeysWork } from "@/lib/passkey";
import { safeBack } from "@/lib/paths";
import { keys } from "@/lib/query";
import { loggedIn } from "@/lib/session";
import { DoorFrame } from "./door-frame";

export function LoginPage() {
  const router = useRouter();
  const client = useQueryClient();
  const back = safeBack(useSearchParams().get("back"));
  const form = useForm<Required<Login>>({ initialValues: { name: "", password: "", code: "" } });
  function entered(session: Session) {
    client.clear();
    client.setQueryData(keys.session, session);
    loggedIn();
    router.replace(back);
  }
  const login = useMutation({
    mutationFn: ({ code, ...who }: Login) =>
      answer(api.POST("/api/v1/session", { body: { ...who, code: code?.replaceAll(" ", "") || null } })),
    onSuccess: entered,
  });
  const byPasskey = useMutation({
    mutationFn: async () => {
      const options = await answer(api.POST("/api/v1/session/passkey/options"));
      const credential = await askPasskey(options);
      return answer(api.POST("/api/v1/session/passkey", { body: { credential } }));
    },
    onSuccess: entered,
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
