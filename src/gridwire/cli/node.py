"""``gridwire node``: the nodes of the grid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.output import Format, Yes, check_answerable, confirmed, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Node, Role
from gridwire.core.names import check_one_value, node_name, parse_tag
from gridwire.protocol.api import MemberDevice, NodeChange, NodeView, Revoked

app = App(name="node", help="List, tag, drain, approve and revoke nodes.", default_parameter=Parameter(negative=()))


@app.command(name="list")
def list_(*, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """All nodes."""
    nodes = grid.listing("/nodes", NodeView, settings)
    show(nodes, output, lambda: print_nodes(nodes))


@app.command(name="show")
def show_(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """One node, and what its agent last said.

    Parameters
    ----------
    name
        The node.
    """
    view = grid.get(f"/nodes/{node_name(name)}", NodeView, settings)
    show(view, output, lambda: _print_node(view))


@app.command
def tag(name: str, /, *changes: str, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Set tags with key=value, take them off with key-.

    Parameters
    ----------
    name
        The node.
    changes
        site=a sets a tag, site- takes it off.
    """
    node = node_name(name)
    if not changes:
        raise Invalid("changes", "none was given", fix="give site=a to set a tag, site- to take it off")
    wanted = [(text[:-1], None) if text.endswith("-") and "=" not in text else parse_tag(text) for text in changes]
    check_one_value(wanted)
    tags = dict(grid.get(f"/nodes/{node}", NodeView, settings).node.tags)
    for key, value in wanted:
        if value is None:
            tags.pop(key, None)
        else:
            tags[key] = value
    _change(node, NodeChange(tags=tuple(sorted(tags.items()))), output, settings)


@app.command
def drain(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Send no new requests to the node; those in flight end as they would.

    Parameters
    ----------
    name
        The node.
    """
    _change(node_name(name), NodeChange(drained=True), output, settings)


@app.command
def undrain(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Send requests to the node again.

    Parameters
    ----------
    name
        The node.
    """
    _change(node_name(name), NodeChange(drained=False), output, settings)


@app.command
def approve(name: str, /, *, output: Format = "table", settings: SettingsFile = DEFAULT) -> None:
    """Say yes to a node that joined and waits.

    Parameters
    ----------
    name
        The node.
    """
    path = f"/nodes/{node_name(name)}"
    _, etag = grid.read(path, NodeView, settings)
    view = grid.post(f"{path}/approve", None, NodeView, settings, if_match=etag)
    show(view, output, lambda: say(f"{view.node.name} is {view.node.state}"))


@app.command
def admit(
    member: str,
    /,
    *,
    name: Annotated[str | None, Parameter(help="What it is called in the grid; else its name there.")] = None,
    role: Annotated[Literal["client", "operator"], Parameter(help="What it is.")] = "client",
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """On a tailnet: let a device in that runs no gridwire, such as a phone. It has no agent and no credential.

    Parameters
    ----------
    member
        Its name on the tailnet, or an address.
    """
    called = node_name(name if name is not None else member.partition(".")[0].lower(), "name")
    device = MemberDevice(name=called, member=member, role=Role(role))
    view = grid.post("/members", device, NodeView, settings)
    show(view, output, lambda: say(f"{view.node.name} ({view.node.role}) is {view.node.state}, {_tags(view.node)}"))


@app.command
def revoke(name: str, /, *, yes: Yes = False, output: Format = "table", settings: SettingsFile = DEFAULT) -> int | None:
    """Cut a node off for good: not one byte more reaches it once this has answered.

    Parameters
    ----------
    name
        The node. Its address and key are never given again.
    """
    path = f"/nodes/{node_name(name)}"
    otherwise = f"gridwire node revoke {name} --yes"
    check_answerable(f"Revoke {name} for good?", yes=yes, otherwise=otherwise)
    # Read before it is asked: the yes is to this one, and to none that takes the name meanwhile.
    view, etag = grid.read(path, NodeView, settings)
    node = view.node
    question = f"Revoke {node.name} ({node.role}, {node.address}) for good?"
    if not confirmed(question, yes=yes, otherwise=otherwise):
        note("nothing was changed")
        return 1
    done = grid.post(f"{path}/revoke", None, Revoked, settings, if_match=etag)
    show(done, output, lambda: say(f"{done.node} ({done.address}) is cut off, in {done.milliseconds} ms"))
    return None


def print_nodes(nodes: tuple[NodeView, ...]) -> None:
    now = datetime.now(UTC)
    print_table(
        ("NODE", "ROLE", "STATE", "ADDRESS", "TUNNEL", "HANDSHAKE", "REVISION", "TAGS"),
        (
            (
                view.node.name,
                str(view.node.role),
                _state(view),
                str(view.node.address),
                "no answer" if view.unreached else words.tunnel(view.connected),
                words.ago(view.latest_handshake, now),
                "" if view.version is None else str(view.version[1]),
                _tags(view.node),
            )
            for view in nodes
        ),
        empty="there is no node; add one with `gridwire invite NAME`",
    )


def _tags(node: Node) -> str:
    """gridwire's own, and on a tailnet who owns the node there."""
    owner = "" if node.tailnet is None else node.tailnet.owner()
    return " ".join(filter(None, (words.tag_list(node.tags), owner)))


def _known_by(node: Node) -> list[tuple[str, str]]:
    if node.tailnet is None:
        return [("public key", node.public_key or "none yet"), ("endpoint", node.endpoint or "")]
    others = ", ".join(map(str, node.addresses[1:]))
    return [("also at", others), ("tailnet", f"{node.tailnet.name}, of {node.tailnet.owner()}")]


def _state(view: NodeView) -> str:
    return f"{view.node.state}, drained" if view.node.drained else str(view.node.state)


def _print_node(view: NodeView) -> None:
    now = datetime.now(UTC)
    node = view.node
    said = f"{view.state or 'nothing'}{f': {view.detail}' if view.detail else ''}"
    agent = f"{view.agent_version}, said {words.ago(view.reported_at, now)}: {said}" if view.agent_version else "silent"
    rows = [
        ("name", node.name),
        ("role", str(node.role)),
        ("state", _state(view)),
        ("address", str(node.address)),
        *_known_by(node),
        ("tags", words.tag_list(node.tags)),
        ("tunnel", f"{words.tunnel(view.connected)}, handshake {words.ago(view.latest_handshake, now)}"),
        *([("no answer", view.unreached)] if view.unreached else []),
        ("agent", agent),
        ("revision", "" if view.version is None else f"{view.version[1]} (epoch {view.version[0]})"),
        ("reach", words.listed(view.reach, "nothing")),
    ]
    rows += [(str(f.severity), f"{f.where}: {f.what}{f'; {f.fix}' if f.fix else ''}") for f in view.findings]
    print_table(("", node.name), rows[1:], empty="")


def _change(node: str, change: NodeChange, output: str, settings: str) -> None:
    view = grid.patch(f"/nodes/{node}", change, NodeView, settings)
    drained = ", drained" if view.node.drained else ""
    show(view, output, lambda: say(f"{view.node.name}: {words.tag_list(view.node.tags) or 'no tags'}{drained}"))
