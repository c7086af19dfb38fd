"use client";
import { NumberInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { More, Pair } from "@/components/form";
import { NounForm, type NounFormProps } from "@/components/noun-form";
import { SelectorsField } from "@/features/policies/selectors-field";
import type { Service } from "@/lib/api/types";
import { readService, sendService } from "./queries";
import { draftOf, FIELDS, newService, parseTarget, type ServiceDraft, serviceOf } from "./service-draft";
import { WeightsField } from "./weights-field";

const ON = ["edge"] as const;

/** All that a service can say. */
export function ServiceForm(props: NounFormProps<Service> & { nodes: readonly string[] }) {
  const { read } = props;
  const form = useForm<ServiceDraft>({
    initialValues: read ? draftOf(read.value) : newService,
    validate: {
      name: (name) => (name.trim() ? null : "A service has a name, as app or photos"),
      target: (target) => (parseTarget(target) ? null : "Write 127.0.0.1:9000, [::1]:9000 or unix:/run/app.sock"),
      on: (on) => (on.length > 0 ? null : "Say where it runs: tag:site=home, or node:home-1"),
    },
  });
  const number = (name: keyof ServiceDraft, label: string, suffix = "") => (
    <NumberInput
      label={label}
      suffix={suffix}
      allowNegative={false}
      allowDecimal={false}
      {...form.getInputProps(name)}
    />
  );
  return (
    <NounForm
      {...props}
      noun="service"
      verb="Publish"
      done="is published"
      form={form}
      nounOf={serviceOf}
      send={sendService}
      reread={readService}
      fields={FIELDS}
    >
      <TextInput
        label="Name"
        required
        disabled={read !== null}
        spellCheck={false}
        autoCapitalize="none"
        {...form.getInputProps("name")}
      />
      <TextInput
        label="Listens at, on each of its nodes"
        description="An address of that node's own, of its LAN, or a Unix socket; the node has to allow it"
        required
        spellCheck={false}
        {...form.getInputProps("target")}
      />
      <SelectorsField
        label="Runs on"
        description="Edges by tag, name or role"
        required
        roles={ON}
        value={form.values.on}
        onChange={(on) => form.setFieldValue("on", on)}
        error={form.errors.on}
      />
      <div>
        <p id="service-check">Health check</p>
        <SegmentedControl
          aria-labelledby="service-check"
          data={[
            { value: "tcp", label: "TCP" },
            { value: "http", label: "HTTP" },
          ]}
          {...form.getInputProps("check")}
        />
      </div>
      {form.values.check === "http" && (
        <Pair>
          <TextInput label="Path" spellCheck={false} {...form.getInputProps("path")} />
          {number("status", "Status that passes")}
        </Pair>
      )}
      <More title="How often, balance, timeouts">
        <Pair>
          {number("interval", "Between checks", " ms")}
          {number("timeout", "A check waits", " ms")}
        </Pair>
        <Pair>
          {number("rise", "Passes that bring it back")}
          {number("fall", "Failures that take it out")}
        </Pair>
        <Select
          label="Balance"
          data={["round-robin", "least-connections"]}
          allowDeselect={false}
          comboboxProps={{ transitionProps: { duration: 0 } }}
          {...form.getInputProps("balance")}
        />
        <Pair>
          {number("connectTimeout", "Connecting takes at most", " ms")}
          {number("readTimeout", "Silence of the answer", " ms")}
        </Pair>
        <Pair>
          {number("sendTimeout", "Silence of the request", " ms")}
          {number("retries", "Tries on other endpoints")}
        </Pair>
      </More>
      {read && (
        <WeightsField
          nodes={props.nodes}
          weights={form.values.weights}
          onChange={(weights) => form.setFieldValue("weights", weights)}
        />
      )}
    </NounForm>
  );
}
