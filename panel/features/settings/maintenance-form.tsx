"use client";
import { NumberInput, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Form } from "@/components/form";
import { ProblemNotice } from "@/components/states";
import { useNodes } from "@/features/nodes/queries";
import { useRoutes } from "@/features/routes/queries";
import { answer, api } from "@/lib/api/client";
import { asProblem } from "@/lib/api/problem";
import { useAct } from "./act";

/** A noun as control names it: `node:home-1`, `tag:site=home`, `route:wiki`. */
export function MaintenanceForm({ onDone }: { onDone: () => void }) {
  const nodes = useNodes().data ?? [];
  const routes = useRoutes().data ?? [];
  const form = useForm({
    initialValues: { of: "", minutes: 60, reason: "" },
    validate: { of: (of) => (of ? null : "Say of what") },
  });
  const tags = [...new Set(nodes.flatMap(({ node }) => node.tags.map(([key, value]) => `tag:${key}=${value}`)))].sort();
  const plan = useAct(
    ({ of, minutes, reason }: { of: string; minutes: number; reason: string }) => {
      const now = Date.now();
      const body = {
        of,
        begins: new Date(now).toISOString(),
        ends: new Date(now + minutes * 60_000).toISOString(),
        reason,
      };
      return answer(api.POST("/api/v1/maintenance", { body }));
    },
    ({ of }) => `Nobody is told of ${of} until then`,
    onDone,
  );
  const problem = plan.error ? asProblem(plan.error) : null;
  return (
    <Form verb="Begin it" onSubmit={form.onSubmit((given) => plan.mutate(given))}>
      <Select
        label="Of"
        searchable
        data={[
          ...nodes.map(({ node }) => `node:${node.name}`),
          ...tags,
          ...routes.map(({ route }) => `route:${route.name}`),
        ]}
        limit={200}
        nothingFoundMessage="Nothing has that name"
        comboboxProps={{ transitionProps: { duration: 0 } }}
        {...form.getInputProps("of")}
      />
      <NumberInput label="For" suffix=" minutes" min={1} max={10_080} {...form.getInputProps("minutes")} />
      <TextInput label="Why" {...form.getInputProps("reason")} />
      {problem && <ProblemNotice problem={problem} />}
    </Form>
  );
}
