import { Button } from "@mantine/core";
import Link from "next/link";
import { Command } from "@/components/copy";
import { Section } from "@/components/page";
import { paths } from "@/lib/paths";
import classes from "./first-steps.module.css";

/** What a grid of one gateway wants next: the same three steps here and in a terminal. */
export function FirstSteps({ suffix }: { suffix: string }) {
  return (
    <Section
      title="The gateway stands. Three steps to the first route"
      aside={<Link href={paths.start()}>One by one, with what each waits for</Link>}
    >
      <ol className={classes.steps}>
        <li>
          <h3>A node joins</h3>
          <p>The host that runs your service. One command, used once; no port is opened on it.</p>
          <Command text="gridwire invite home-1 --role edge" />
          <Button component={Link} href={paths.addNode()} variant="filled">
            Add a node
          </Button>
        </li>
        <li>
          <h3>It serves something</h3>
          <p>A service says what to reach on which nodes, and how it is seen to be well.</p>
          <Command text="gridwire service publish wiki --to 127.0.0.1:9000 --on node:home-1" />
          <Button component={Link} href={paths.addService()}>
            Add a service
          </Button>
        </li>
        <li>
          <h3>Somebody may open it</h3>
          <p>A route is a name and who may use it. Without an allow it is closed.</p>
          <Command text={`gridwire route add --host wiki.${suffix} --to wiki --allow role:client`} />
          <Button component={Link} href={paths.addRoute()}>
            Add a route
          </Button>
        </li>
      </ol>
    </Section>
  );
}
