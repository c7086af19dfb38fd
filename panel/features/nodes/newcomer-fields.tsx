/** What is asked of whoever comes: what it will be called, and what it may. */
import { SegmentedControl, TextInput } from "@mantine/core";
import type { GetInputPropsReturnType } from "@mantine/form";
import { useId } from "react";

export function NameField(props: { description: string; disabled?: boolean; input: GetInputPropsReturnType }) {
  return (
    <TextInput
      label="Name"
      description={props.description}
      required
      disabled={props.disabled ?? false}
      spellCheck={false}
      autoCapitalize="none"
      autoComplete="off"
      {...props.input}
    />
  );
}

/** Of a device of a person's: a host that runs services is asked nothing. */
export function RoleField({ input }: { input: GetInputPropsReturnType }) {
  const id = useId();
  return (
    <div>
      <p id={id}>Role</p>
      <SegmentedControl
        aria-labelledby={id}
        data={[
          { value: "client", label: "Client: opens routes" },
          { value: "operator", label: "Operator: runs the grid, too" },
        ]}
        {...input}
      />
    </div>
  );
}
