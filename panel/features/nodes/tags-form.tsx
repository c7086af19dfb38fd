"use client";
import { TagsInput } from "@mantine/core";
import { useState } from "react";
import { type Change, ChangeDialog } from "@/components/change-dialog";
import { Form } from "@/components/form";
import type { Tagged } from "@/lib/api/client";
import type { NodeView } from "@/lib/api/types";
import { tagging } from "./node-changes";
import { tagsError, tagsOf, tagText } from "./node-draft";

export function TagsForm({ read, onDone }: { read: Tagged<NodeView>; onDone: () => void }) {
  const [texts, setTexts] = useState<string[]>(read.value.node.tags.map(tagText));
  const [change, setChange] = useState<Change | null>(null);
  const error = tagsError(texts);
  return (
    <>
      <Form verb="Preview…" onCancel={onDone} onSubmit={() => error || setChange(tagging(read, tagsOf(texts)))}>
        <TagsField texts={texts} onChange={setTexts} error={error} />
      </Form>
      <ChangeDialog change={change} onClose={() => setChange(null)} onDone={onDone} onTheirs={onDone} />
    </>
  );
}

/** Tags as they are written on a command line. */
export function TagsField(props: {
  texts: string[];
  onChange: (texts: string[]) => void;
  error: React.ReactNode;
  note?: string;
}) {
  return (
    <TagsInput
      label="Tags"
      description={props.note ?? "key=value; services and routes select nodes by them. Enter or a comma ends one"}
      value={props.texts}
      onChange={props.onChange}
      splitChars={[",", " "]}
      acceptValueOnBlur
      error={props.error}
    />
  );
}
