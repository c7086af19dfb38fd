"use client";
/** As node N, GET /x: which route, policy and endpoint, and why. Asked of the matcher; nothing is sent. */
import { Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { Command } from "@/components/copy";
import { Form, Pair } from "@/components/form";
import { Page, Section } from "@/components/page";
import { Answered, Loading } from "@/components/states";
import { useNodes } from "@/features/nodes/queries";
import { useSession } from "@/lib/session-query";
import { useUrlState } from "@/lib/url-state";
import { ExplanationView } from "./explanation-view";
import { type Question, useExplanation } from "./queries";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

export function TryPage() {
  const url = useUrlState();
  const session = useSession();
  const asked: Question = {
    node: url.get("node") ?? session.data?.node ?? "",
    method: url.get("method") ?? "GET",
    url: url.get("url") ?? "",
  };
  return (
    <Page title="Try a request" lead="asked of the matcher that the gateways have; nothing is sent">
      {session.isPending ? (
        <Loading what="who you are" />
      ) : (
        <Asked key={JSON.stringify(asked)} asked={asked} onAsk={(next) => url.set({ ...next }, { push: true })} />
      )}
      {asked.node && asked.url && <Answer asked={asked} />}
    </Page>
  );
}

function Asked({ asked, onAsk }: { asked: Question; onAsk: (asked: Question) => void }) {
  const nodes = useNodes();
  const form = useForm<Question>({
    initialValues: asked,
    validate: {
      node: (node) => (node ? null : "Say who asks"),
      url: (text) => (text.trim() ? null : "Say what is opened, as http://wiki.grid/"),
    },
  });
  const names = nodes.data?.map(({ node }) => node.name) ?? [];
  return (
    <Form onSubmit={form.onSubmit(onAsk)} verb="Try">
      <Pair>
        <Select
          label="As"
          searchable
          required
          data={form.values.node && !names.includes(form.values.node) ? [form.values.node, ...names] : names}
          nothingFoundMessage="No node has that name"
          comboboxProps={{ transitionProps: { duration: 0 } }}
          {...form.getInputProps("node")}
        />
        <Select
          label="Method"
          data={METHODS}
          allowDeselect={false}
          comboboxProps={{ transitionProps: { duration: 0 } }}
          {...form.getInputProps("method")}
        />
      </Pair>
      <TextInput
        label="URL"
        required
        placeholder="http://wiki.grid/"
        spellCheck={false}
        autoCapitalize="none"
        {...form.getInputProps("url")}
      />
    </Form>
  );
}

function Answer({ asked }: { asked: Question }) {
  const explanation = useExplanation(asked);
  return (
    <Section title={`${asked.method} ${asked.url}, as ${asked.node}`}>
      <Answered query={explanation} what="the answer" rows={4}>
        {(found) => <ExplanationView explanation={found} />}
      </Answered>
      <Command text={`gridwire why ${asked.node} ${asked.url}`} />
    </Section>
  );
}
