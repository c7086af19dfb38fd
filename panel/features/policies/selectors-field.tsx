"use client";
/** Who or where, as selectors: typed, or picked from what the grid has. */
import { TagsInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useNodes } from "@/features/nodes/queries";
import type { NodeView } from "@/lib/api/types";
import { parseSelector } from "@/lib/selector";
import { usePolicies } from "./queries";

const MANY = 200; // suggestions at most: one types to narrow them

/** Those that name something: roles first, then tags, policies and nodes. */
export function suggestions(
  views: readonly NodeView[],
  roles: readonly string[],
  policies: readonly string[],
): string[] {
  const there = views.filter(({ node }) => roles.includes(node.role));
  const tags = new Set(there.flatMap(({ node }) => node.tags.map(([key, value]) => `tag:${key}=${value}`)));
  const nodes = there.map(({ node }) => `node:${node.name}`);
  return [
    ...roles.map((role) => `role:${role}`),
    ...[...tags].sort(),
    ...policies.map((name) => `policy:${name}`),
    ...nodes,
  ];
}

export function SelectorsField(props: {
  label: string;
  description?: string;
  value: string[];
  onChange: (value: string[]) => void;
  error?: React.ReactNode;
  roles: readonly string[];
  policies?: boolean;
  required?: boolean;
}) {
  const [wrong, setWrong] = useState<string | null>(null);
  const nodes = useNodes();
  const policies = usePolicies(props.policies ?? false);
  const names = props.policies ? policies.data : undefined;
  const data = useMemo(
    () => suggestions(nodes.data ?? [], props.roles, names?.map(({ name }) => name) ?? []),
    [nodes.data, props.roles, names],
  );
  return (
    <TagsInput
      label={props.label}
      description={props.description}
      required={props.required ?? false}
      value={props.value}
      onChange={(next) => {
        const bad = next.find((text) => parseSelector(text) === null);
        setWrong(
          bad
            ? `“${bad}” is no selector: write ${props.roles[0] ? `role:${props.roles[0]}` : "node:NAME"}, tag:site=a or node:NAME`
            : null,
        );
        props.onChange(next.filter((text) => parseSelector(text) !== null));
      }}
      data={data}
      limit={MANY}
      maxDropdownHeight={240}
      splitChars={[",", " "]}
      acceptValueOnBlur
      error={wrong ?? props.error}
      comboboxProps={{ transitionProps: { duration: 0 } }}
    />
  );
}
