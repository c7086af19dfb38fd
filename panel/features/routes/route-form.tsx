"use client";
import { Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form, Pair } from "@/components/form";
import { SelectorsField } from "@/components/selectors-field";
import { ProblemNotice } from "@/components/states";
import { useServices } from "@/features/services/queries";
import type { Tagged } from "@/lib/api/client";
import { asProblem, type Problem } from "@/lib/api/problem";
import type { Route } from "@/lib/api/types";
import { fieldError } from "@/lib/form";
import { readRoute, sendRoute } from "./queries";
import { draftOf, nameOf, newRoute, type RouteDraft, routeOf } from "./route-draft";

const WHO = ["client", "operator"] as const;

/** All that a route can say. `read`: the one that is changed, as it was read; none for a new one. */
export function RouteForm(props: {
  read: Tagged<Route> | null;
  to?: string;
  onDone: (name: string) => void;
  onCancel?: () => void;
}) {
  const { read } = props;
  const services = useServices();
  const form = useForm<RouteDraft>({
    initialValues: read ? draftOf(read.value) : newRoute(props.to ?? ""),
    validate: {
      host: (host) => (host.trim() ? null : "Say at which name it is opened, as wiki"),
      to: (to) => (to ? null : "Say which service it leads to"),
    },
  });
  const [change, setChange] = useState<Change | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = form.onSubmit(async (draft) => {
    const route = routeOf(draft);
    const etag = read?.etag ?? null;
    setProblem(null);
    try {
      await sendRoute(route, { preview: true, ifMatch: etag });
    } catch (error) {
      const found = asProblem(error);
      if (!found.conflict) {
        if (!fieldError(found, form)) setProblem(found);
        return;
      }
    }
    setChange({
      title: read ? `Change route ${route.name}` : `Add route ${route.name}`,
      verb: read ? "Apply" : "Add",
      done: read ? `Route ${route.name} is changed` : `Route ${route.name} is there`,
      etag,
      send: (ask) => sendRoute(route, ask),
      theirs: () => readRoute(route.name),
      mine: route,
    });
  });
  const names = services.data?.map(({ service }) => service.name) ?? [];
  return (
    <>
      <Form onSubmit={submit} verb="Preview…" {...(props.onCancel ? { onCancel: props.onCancel } : {})}>
        <Pair>
          <TextInput
            label="Host"
            description="One word stands under the grid's suffix"
            required
            spellCheck={false}
            autoCapitalize="none"
            {...form.getInputProps("host")}
          />
          <TextInput
            label="Path"
            description="And all below it"
            spellCheck={false}
            autoCapitalize="none"
            {...form.getInputProps("path")}
          />
        </Pair>
        <Select
          label="Leads to"
          required
          searchable
          data={form.values.to && !names.includes(form.values.to) ? [form.values.to, ...names] : names}
          nothingFoundMessage="No service has that name"
          comboboxProps={{ transitionProps: { duration: 0 } }}
          {...form.getInputProps("to")}
        />
        <SelectorsField
          label="Who may open it"
          description="Nobody unless said: without a selector it is closed"
          roles={WHO}
          policies
          value={form.values.allow}
          onChange={(allow) => form.setFieldValue("allow", allow)}
          error={form.errors.allow}
        />
        <TextInput
          label="Name"
          disabled={read !== null}
          placeholder={nameOf(form.values.host, form.values.path)}
          spellCheck={false}
          autoCapitalize="none"
          {...form.getInputProps("name")}
        />
        {problem && <ProblemNotice problem={problem} />}
      </Form>
      <ChangeDialog
        change={change}
        onClose={() => setChange(null)}
        onDone={() => props.onDone(routeOf(form.values).name)}
      />
    </>
  );
}
