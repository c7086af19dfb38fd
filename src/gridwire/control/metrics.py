"""What control counts, in Prometheus' text format (exposition format 0.0.4). Names of nodes need no escaping."""

from __future__ import annotations

from collections import Counter

from gridwire.control.grid import Grid
from gridwire.control.views import Picture
from gridwire.core.fleet import NodeState


def exposition(grid: Grid) -> str:
    snapshot = grid.snapshot()
    fleet = snapshot.fleet
    picture = Picture(fleet, grid.reports.all(), grid.clock())
    lines = [
        *_metric("gridwire_revision", "gauge", "The newest revision of the fleet.", [("", snapshot.version[1])]),
        *_metric("gridwire_epoch", "gauge", "Raised by a restore.", [("", snapshot.version[0])]),
        *_metric("gridwire_reports_total", "counter", "Reports of agents taken.", [("", grid.reports.taken)]),
        *_metric("gridwire_spec_polls", "gauge", "Agents that wait for a spec.", [("", grid.revised.waiting)]),
    ]
    count = Counter((node.role, node.state) for node in fleet.nodes)
    lines += _metric(
        "gridwire_nodes",
        "gauge",
        "Nodes by role and state.",
        [(f'role="{role}",state="{state}"', number) for (role, state), number in sorted(count.items())],
    )
    seen = [(node, picture.handshake(node.public_key)) for node in fleet.nodes if node.state is NodeState.ACTIVE]
    lines += _metric(
        "wireguard_latest_handshake_seconds",
        "gauge",
        "Time of the latest handshake that a gateway has seen, Unix seconds.",
        [(f'node="{node.name}",public_key="{node.public_key}"', int(at.timestamp())) for node, at in seen if at],
    )
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, text: str, samples: list[tuple[str, int]]) -> list[str]:
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} {kind}",
        *(f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in samples),
    ]
