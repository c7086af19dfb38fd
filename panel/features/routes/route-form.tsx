"use client";
import { Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Pair } from "@/components/form";
import { NounForm, type NounFormProps } from "@/components/noun-form";
import { SelectorsField } from "@/features/policies/selectors-field";
import { useServices } from "@/features/services/queries";
import type { Route } from "@/lib/api/types";
import { readRoute, sendRoute } from "./queries";
import { draftOf, nameOf, newRoute, type RouteDraft, routeOf } from "./route-draft";

const WHO = ["client", "operator"] as const;

/** All that a route can say. */
export function RouteForm(props: NounFormProps<Route> & { to?: string }) {
  const { read } = props;
  const services = useServices();
  const form = useForm<RouteDraft>({
    initialValues: read ? draftOf(read.value) : newRoute(props.to ?? ""),
    validate: {
      host: (host) => (host.trim() ? null : "Say at which name it is opened, as wiki"),
      to: (to) => (to ? null : "Say which service it leads to"),
    },
  });
  const names = services.data?.map(({ service }) => service.name) ?? [];
  return (
    <NounForm {...props} noun="route" form={form} nounOf={routeOf} send={sendRoute} reread={readRoute}>
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
    </NounForm>
  );
}
