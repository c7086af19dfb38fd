"use client";
/** Every socket of one host, the farthest reached first, and how its guard stands. */
import Link from "next/link";
import { Command } from "@/components/copy";
import { Findings } from "@/components/findings";
import { Fact, Facts, Section } from "@/components/page";
import { StateChip } from "@/components/state-chip";
import { Answered, sentence } from "@/components/states";
import { Time } from "@/components/time";
import {
  guardOf,
  programText,
  proofText,
  rankOf,
  reachOf,
  socketText,
  whoText,
} from "@/features/perimeter/perimeter-state";
import { plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import classes from "./node-facts.module.css";
import { useNodeSockets } from "./queries";

export function NodeSockets({ name }: { name: string }) {
  const found = useNodeSockets(name);
  return (
    <Answered query={found} what="its sockets" rows={6}>
      {({ node, sockets }) => {
        const guard = guardOf(node);
        return (
          <>
            <Facts>
              <Fact name="Guard">
                <StateChip tone={guard.tone} word={guard.word} />
                {guard.tone !== "healthy" && guard.why && ` ${sentence(guard.why)}`}
              </Fact>
              <Fact name="Proved">
                <Time at={node.proved_at} />: {proofText(node.proof)}
              </Fact>
              <Fact name="Sockets seen">
                <Time at={node.seen_at} />
              </Fact>
            </Facts>
            {node.findings.length > 0 && (
              <Section title="Findings">
                <Findings findings={node.findings} />
              </Section>
            )}
            <Section title="Sockets" aside={plural(node.sockets, "socket")}>
              {sockets.length === 0 ? (
                <p className="muted">{sentence(node.why || "its agent has told of none")}</p>
              ) : (
                <ul className={`${classes.list} ${classes.sockets}`}>
                  {[...sockets]
                    .sort((one, other) => rankOf(other) - rankOf(one) || one.socket.port - other.socket.port)
                    .map((view) => {
                      const { tone, word, why } = reachOf(view);
                      const who = whoText(view);
                      return (
                        <li key={socketText(view)}>
                          <span className="mono">{socketText(view)}</span>
                          <StateChip tone={tone} word={word} title={why} />
                          <span className={classes.why}>
                            {[
                              programText(view) || "program not told",
                              view.socket.owner === "foreign" ? "not gridwire's" : "",
                              who,
                              why,
                            ]
                              .filter(Boolean)
                              .join("; ")}
                          </span>
                        </li>
                      );
                    })}
                </ul>
              )}
              {node.left_out > 0 && <p className="muted">And {plural(node.left_out, "more")} that it did not tell.</p>}
            </Section>
            <p>
              <Link href={paths.perimeter({ filter: name })}>In the perimeter of all nodes</Link>
            </p>
            <Command text={`gridwire perimeter ${name}`} />
          </>
        );
      }}
    </Answered>
  );
}
