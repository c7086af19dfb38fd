"""``gridwire perimeter``: every socket of the grid's nodes, who may reach it, and by which rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.exposure import Realm, Way
from gridwire.core.listening import Listening, Owner
from gridwire.core.names import node_name
from gridwire.core.perimeter_verdict import NodePerimeter, State
from gridwire.protocol.perimeter import NodeSockets, Perimeter, SocketView

app = App(name="perimeter", default_parameter=Parameter(negative=()))


@app.default
def perimeter(
    name: str | None = None,
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all", help="Also sockets that only the host itself reaches.")] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Who may reach what, and whether the guard stands. Exit code 3 where something was found or is not known.

    Parameters
    ----------
    name
        A node: its own sockets alone.
    """
    if name is not None:
        one = grid.get(f"/nodes/{node_name(name)}/sockets", NodeSockets, settings)
        show(one, output, lambda: _screen((one.node,), one.sockets, all_=all_))
        return DONE if one.node.state is State.WELL else UNHEALTHY
    seen = grid.get("/perimeter?limit=1000", Perimeter, settings)
    show(seen, output, lambda: _grid(seen, all_=all_))
    return DONE if seen.verdict.state is State.WELL else UNHEALTHY


def _grid(seen: Perimeter, *, all_: bool) -> None:
    say(f"{seen.verdict.state}: {seen.verdict.say}")
    print()
    _screen(seen.nodes, seen.sockets.items, all_=all_)
    if seen.sockets.next is not None:
        note(f"{seen.sockets.total} sockets in all: gridwire perimeter NODE lists those of one")
    if seen.verdict.unseen:
        note(f"{seen.verdict.unseen} nodes have no agent, and nobody tells their sockets")


def _screen(nodes: tuple[NodePerimeter, ...], sockets: tuple[SocketView, ...], *, all_: bool) -> None:
    now = datetime.now(UTC)
    print_table(
        ("NODE", "STATE", "GUARD", "READ BACK", "STANDS SINCE", "SOCKETS", "PUBLIC", "OTHERS' PUBLIC", "WHY UNKNOWN"),
        (_node(one, now) for one in nodes),
        empty="no node has an agent yet",
    )
    shown = [view for view in sockets if all_ or view.reach not in (Realm.HOST, Realm.NOBODY)]
    if shown:
        print()
        print_table(
            ("NODE", "SOCKET", "OF", "REACH", "WHO", "BY WHICH RULE"),
            ((view.node, _place(view.socket), _holder(view.socket), str(view.reach), *_ways(view)) for view in shown),
            empty="",
        )
    found = [(one.node, finding) for one in nodes for finding in one.findings]
    if found:
        print()
        print_table(
            ("FINDING", "NODE", "ID", "WHAT", "WHAT TO DO"),
            ((str(f.severity), node, f.id, f.what, f.fix) for node, f in found),
            empty="",
        )


def _node(one: NodePerimeter, now: datetime) -> tuple[str, ...]:
    guard = one.guard
    return (
        one.node,
        str(one.state),
        str(guard.state),
        words.ago(guard.read_at, now),
        "" if guard.since is None else words.ago(guard.since, now),
        f"{one.sockets}{f' + {one.left_out}' if one.left_out else ''}",
        str(one.public),
        str(one.foreign),
        one.why,
    )


def _place(one: Listening) -> str:
    both = " and IPv4" if one.both else ""
    return f"{one.place}{both}{f' on {one.device}' if one.device is not None else ''}"


def _holder(one: Listening) -> str:
    name = one.process or "the kernel, or not seen"
    return f"gridwire: {name}" if one.owner is Owner.OURS else f"{name} ({one.unit})" if one.unit else name


def _ways(view: SocketView) -> tuple[str, str]:
    """The widest way that is open, or that is not known; where none is, why not."""
    ways: list[Way] = [way for way in view.ways if way.realm is view.reach]
    ways = ways or [way for way in view.ways if way.open is None] or list(view.ways[-1:])
    return words.listed(ways[0].who, ""), ways[0].rule if ways else ""
