"use client";
/** Who or where, as selectors: typed, or picked from what the grid has. */
import { TagsInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { answer, api } from "@/lib/api/client";
import type { NodeView } from "@/lib/api/types";
import { keys } from "@/lib/query";
import { parseSelector } from "@/lib/selector";

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
  const nodes = useQuery({
    queryKey: keys.nodes,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/nodes", { signal }))).items,
  });
  const policies = useQuery({
    queryKey: keys.policies,
    queryFn: async ({ signal }) => (await answer(api.GET("/api/v1/policies", { signal }))).items,
    enabled: props.policies ?? false,
  });
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
