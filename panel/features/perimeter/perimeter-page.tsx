"use client";
/** Is anything reachable, from where, by which rule; proved when and how; what mends it. */
import Link from "next/link";
import { useMemo } from "react";
import { Command } from "@/components/copy";
import { type Column, DataTable } from "@/components/data-table";
import { Drawer } from "@/components/drawer";
import { Findings } from "@/components/findings";
import { Fact, Facts, Figure, Figures, Page, Section } from "@/components/page";
import { BADNESS, Shape, StateChip } from "@/components/state-chip";
import { Answered, Empty, sentence } from "@/components/states";
import { Time } from "@/components/time";
import type { NodePerimeter, Perimeter, SocketView } from "@/lib/api/types";
import { count, plural } from "@/lib/format";
import { useOpened } from "@/lib/opened";
import { paths } from "@/lib/paths";
import classes from "./perimeter-page.module.css";
import { guardOf, programText, proofText, rankOf, reachOf, socketText, verdictOf, whoText } from "./perimeter-state";
import { usePerimeter, useSockets } from "./queries";

const columns: readonly Column<SocketView>[] = [
  {
    id: "reach",
    head: "Reached from",
    width: "128px",
    sort: (view) => -rankOf(view),
    cell: (view) => {
      const { tone, word, why } = reachOf(view);
      return <StateChip tone={tone} word={word} title={why} />;
    },
  },
  {
    id: "node",
    head: "Node",
    width: "minmax(80px, 0.8fr)",
    sort: (view) => view.node,
    cell: (view) => <b>{view.node}</b>,
  },
  {
    id: "socket",
    head: "Socket",
    width: "minmax(128px, 1.4fr)",
    sort: (view) => view.socket.port,
    cell: (view) => <span className="mono">{socketText(view)}</span>,
  },
  {
    id: "program",
    head: "Program",
    width: "minmax(96px, 1.2fr)",
    from: 640,
    sort: (view) => programText(view),
    cell: (view) => programText(view) || <span className="muted">not told</span>,
  },
  {
    id: "owner",
    head: "Whose",
    width: "80px",
    from: 760,
    sort: (view) => view.socket.owner,
    cell: (view) => (view.socket.owner === "ours" ? "gridwire's" : <span className="muted">not ours</span>),
  },
  {
    id: "who",
    head: "Who",
    width: "minmax(0, 1fr)",
    from: 900,
    cell: (view) => whoText(view),
  },
  {
    id: "rule",
    head: "By which rule",
    width: "minmax(0, 2fr)",
    from: 1000,
    cell: (view) => <span className="muted">{reachOf(view).why}</span>,
  },
];

const keyOf = (view: SocketView) => `${view.node} ${socketText(view)}`;
const text = (view: SocketView) =>
  [
    view.node,
    socketText(view),
    programText(view),
    view.socket.owner === "ours" ? "gridwire" : "foreign",
    reachOf(view).word,
    whoText(view),
  ].join(" ");

export function PerimeterPage() {
  const perimeter = usePerimeter();
  const sockets = useSockets();
  const { key: name, open, close } = useOpened(keyOf);
  const chosen = useMemo(() => sockets.data?.find((view) => keyOf(view) === name), [sockets.data, name]);
  return (
    <Page title="Perimeter">
      <Answered query={perimeter} what="the perimeter" rows={6}>
        {(found) => (
          <>
            <Verdict perimeter={found} />
            <FindingsByNode nodes={found.nodes} />
            <Guards nodes={found.nodes} />
          </>
        )}
      </Answered>
      <Section title="Every socket that the agents see">
        <Answered query={sockets} what="sockets" rows={8}>
          {(views) =>
            views.length === 0 ? (
              <Empty title="No agent has told of its sockets yet">
                <p>Agents look every ten seconds, and tell when something changed.</p>
                <Command text="gridwire perimeter" />
              </Empty>
            ) : (
              <DataTable
                label="Sockets"
                noun="socket"
                rows={views}
                rowKey={keyOf}
                columns={columns}
                badness={rankOf}
                text={text}
                selected={name}
                onOpen={open}
              />
            )
          }
        </Answered>
      </Section>
      {chosen && <SocketDrawer key={name} view={chosen} onClose={close} />}
    </Page>
  );
}

function Verdict({ perimeter: { verdict, nodes } }: { perimeter: Perimeter }) {
  const { tone, why } = verdictOf(verdict);
  const foreign = nodes.reduce((sum, node) => sum + node.foreign, 0);
  return (
    <>
      <p className={classes.verdict}>
        <Shape tone={tone} size={16} />
        <span>{sentence(why)}</span>
      </p>
      <Figures>
        <Figure
          name="Public sockets"
          value={count(verdict.public)}
          note={
            <>
              of gridwire's{nodes.length > 1 && ", on one node at most"}
              <br />
              {plural(foreign, "port")} of other programs{foreign > 0 && ", listed below"}
            </>
          }
        />
        <Figure
          name="Findings"
          value={count(verdict.findings)}
          tone={verdict.findings > 0 ? "bad" : "plain"}
          note="each with what mends it"
        />
        <Figure
          name="Nodes not known"
          value={count(verdict.unknown.length)}
          tone={verdict.unknown.length > 0 ? "unknown" : "plain"}
          note={verdict.unknown.slice(0, 4).join(", ")}
        />
        <Figure
          name="Proved"
          value={<Time at={verdict.proved_at} never="not now" />}
          tone={verdict.proof === "none" ? "unknown" : "plain"}
          note={proofText(verdict.proof)}
        />
      </Figures>
    </>
  );
}

function FindingsByNode({ nodes }: { nodes: readonly NodePerimeter[] }) {
  const found = nodes.filter((node) => node.findings.length > 0);
  if (found.length === 0) return null;
  return (
    <Section title="What differs, and what mends it">
      {found.map((node) => (
        <div key={node.node}>
          <h3>
            <Link href={paths.nodes({ name: node.node })}>{node.node}</Link>
          </h3>
          <Findings findings={node.findings} />
        </div>
      ))}
    </Section>
  );
}

function Guards({ nodes }: { nodes: readonly NodePerimeter[] }) {
  const withGuard = [...nodes].sort(
    (one, other) => BADNESS[guardOf(other).tone] - BADNESS[guardOf(one).tone] || one.node.localeCompare(other.node),
  );
  const quiet = withGuard.filter((node) => guardOf(node).tone === "healthy").length;
  return (
    <Section title="The guard of each node" aside={`${count(quiet)} of ${count(nodes.length)} stand`}>
      <ul className={classes.guards}>
        {withGuard.slice(0, 24).map((node) => {
          const { tone, word, why } = guardOf(node);
          return (
            <li key={node.node}>
              <StateChip tone={tone} word={word} title={why} />
              <Link href={paths.nodes({ name: node.node })}>{node.node}</Link>
              <span className="muted">
                read back <Time at={node.guard.read_at} />
              </span>
              {node.guard.repaired && (
                <span className="muted">
                  mended <Time at={node.guard.repaired_at} />: {node.guard.repaired}
                </span>
              )}
              {tone !== "healthy" && <span className={classes.why}>{why}</span>}
            </li>
          );
        })}
      </ul>
      {withGuard.length > 24 && <p className="muted">And {count(withGuard.length - 24)} more that are no worse.</p>}
    </Section>
  );
}

function SocketDrawer({ view, onClose }: { view: SocketView; onClose: () => void }) {
  const { tone, word } = reachOf(view);
  const { socket } = view;
  return (
    <Drawer title={socketText(view)} state={<StateChip tone={tone} word={word} />} onClose={onClose}>
      <Facts>
        <Fact name="Node">
          <Link href={paths.nodes({ name: view.node })}>{view.node}</Link>
        </Fact>
        <Fact name="Program">{programText(view) || "not told"}</Fact>
        <Fact name="Whose">
          {socket.owner === "ours" ? "gridwire's" : "not gridwire's: it is listed and never touched"}
        </Fact>
        <Fact name="User">{socket.uid === null ? "not told" : `uid ${socket.uid}`}</Fact>
        {socket.both && <Fact name="Families">IPv6 and IPv4</Fact>}
      </Facts>
      <Section title="Ways to it">
        <ul className={classes.ways}>
          {view.ways.map((way) => (
            <li key={`${way.realm} ${way.rule} ${way.who.join()}`}>
              <StateChip
                tone={way.open === null ? "unknown" : way.open ? "healthy" : "off"}
                word={way.open === null ? "unknown" : way.open ? "open" : "shut"}
              />
              <div>
                <p>
                  From {way.realm === "link" ? "its link" : way.realm}
                  {way.who.length > 0 && `, for ${way.who.join(", ")}`}
                </p>
                <p className="muted">{sentence(way.rule)}</p>
                {way.unless.map((condition) => (
                  <p key={condition} className="muted">
                    Unless {condition}.
                  </p>
                ))}
              </div>
            </li>
          ))}
        </ul>
      </Section>
      <Command text={`gridwire perimeter ${view.node}`} />
    </Drawer>
  );
}
