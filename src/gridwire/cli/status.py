"""``gridwire status``: the grid on one screen."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gridwire.cli import grid, words
from gridwire.cli.node import print_nodes
from gridwire.cli.outcome import DONE, UNHEALTHY
from gridwire.cli.output import Format, fields, note, print_table, say, show
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.fleet import DEFAULT_SUFFIX, NodeState, Role
from gridwire.core.health import Health
from gridwire.core.perimeter import Severity
from gridwire.protocol.agent import ApplyState
from gridwire.protocol.api import NodeView, Status

if TYPE_CHECKING:
    from gridwire.adapters.resolver import NameCheck

app = App(name="status", default_parameter=Parameter(negative=()))


@app.default
def status(
    *,
    watch: Annotated[bool, Parameter(help="Show it again every two seconds, until Ctrl-C.")] = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Nodes, routes and findings. Exit code 3 where something is unhealthy."""
    while True:
        seen = grid.get("/status", Status, settings)
        if watch and output == "table":
            print("\033[2J\033[H", end="")
        names = _names(seen)
        show({**fields(seen), "names": names}, output, lambda seen=seen, names=names: _screen(seen, names))  # type: ignore[misc]
        if not watch:
            return DONE if healthy(seen) else UNHEALTHY
        time.sleep(2)


def healthy(seen: Status) -> bool:
    """No active node away or out of step, no route without an endpoint, none down, no finding above information."""
    return (
        all(_node_ok(view, seen) for view in seen.nodes)
        and all(route.endpoints and all(e.health is Health.UP for e in route.endpoints) for route in seen.routes)
        and all(finding.severity is Severity.INFO for _, finding in seen.findings)
    )


def _node_ok(view: NodeView, seen: Status) -> bool:
    state = view.node.state
    if state in (NodeState.REVOKING, NodeState.QUARANTINED):
        return False
    if state is not NodeState.ACTIVE:
        return True  # not there yet, or gone
    if view.reported_at is None:
        return view.node.role in (Role.OPERATOR, Role.CLIENT)  # a device of these may have no agent
    if view.state in (ApplyState.FAILED, ApplyState.ROLLED_BACK):
        return False
    away = view.unreached or (view.connected is False and view.node.role in (Role.GATEWAY, Role.EDGE))
    return not away and not view.behind


def _screen(seen: Status, names: NameCheck | None) -> None:
    domain = f"*.{seen.suffix}"
    say(f"grid {domain}, revision {seen.revision}, control {seen.version}")
    if names is not None and not names.ok:
        note(f"{names.what}\n  {names.fix}")
    print()
    print_nodes(tuple(view for view in seen.nodes if view.node.state is not NodeState.REVOKED))
    late = [v for v in seen.nodes if v.behind]
    if late:
        late_ones = words.listed(f"{v.node.name} ({v.version[1] if v.version else '-'})" for v in late)
        say(f"not yet at revision {seen.revision}: {late_ones}")
    print()
    print_table(
        ("ROUTE", "URL", "TO", "ENDPOINTS", "CAN OPEN IT"),
        (
            (
                route.route.name,
                route.url,
                route.route.to,
                words.endpoint_list(route.endpoints),
                words.listed(route.can_open),
            )
            for route in seen.routes
        ),
        empty="no route yet: gridwire route add --host NAME --to SERVICE --allow role:client",
    )
    unused = {s.service.name for s in seen.services} - {r.route.to for r in seen.routes}
    if unused:
        say(f"published, and no route goes there: {words.listed(sorted(unused))}")
    if seen.findings:
        print()
        print_table(
            ("FINDING", "NODE", "WHERE", "WHAT", "WHAT TO DO"),
            ((str(f.severity), node, f.where, f.what, f.fix) for node, f in seen.findings),
            empty="",
        )
    for view in seen.nodes:
        if view.detail and view.state is not ApplyState.IN_SYNC and not _found(view, seen):
            said = words.ago(view.reported_at, datetime.now(UTC))
            say(f"{view.node.name} {said}: {view.state}: {view.detail}")


def _found(view: NodeView, seen: Status) -> bool:
    """Whether a finding says what the node's last apply says."""
    return any(node == view.node.name and finding.what in view.detail for node, finding in seen.findings)


def _names(seen: Status) -> NameCheck | None:
    """Whether route names lead to the gateway from here; none where they are no names of DNS."""
    if seen.suffix == DEFAULT_SUFFIX:
        return None
    from gridwire.adapters.resolver import check_wildcard

    for view in seen.nodes:
        if view.node.role is Role.GATEWAY:
            return check_wildcard(seen.suffix, view.node.address)
    return None
