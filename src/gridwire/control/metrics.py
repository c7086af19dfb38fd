"""What control counts, in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gridwire.control.grid import Grid

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition(grid: Grid) -> bytes:
    """Of this moment, as CONTENT_TYPE. A registry of its own: the library's default one is the process's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(grid))
    return generate_latest(registry)


class _Counted(Collector):
    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def collect(self) -> Iterator[Metric]:
        grid = self._grid
        snapshot = grid.snapshot()
        epoch, revision = snapshot.version
        yield GaugeMetricFamily("gridwire_revision", "The newest revision of the fleet.", value=revision)
        yield GaugeMetricFamily("gridwire_epoch", "Raised by a restore.", value=epoch)
        yield CounterMetricFamily("gridwire_reports", "Reports of agents taken.", value=grid.reports.taken)
        yield GaugeMetricFamily("gridwire_spec_polls", "Agents that wait for a spec.", value=grid.revised.waiting)
        yield GaugeMetricFamily("gridwire_stream_readers", "Who reads the stream.", value=grid.stream.readers)
        nodes = GaugeMetricFamily("gridwire_nodes", "Nodes by role and state.", labels=("role", "state"))
        for (role, state), number in sorted(Counter((n.role, n.state) for n in snapshot.fleet.nodes).items()):
            nodes.add_metric((role, state), number)
        yield nodes
        handshakes = GaugeMetricFamily(
            "wireguard_latest_handshake_seconds",
            "Time of the latest handshake that a gateway has seen, Unix seconds.",
            labels=("node", "public_key"),
        )
        picture = grid.picture(snapshot)
        for node in snapshot.fleet.active():
            at = picture.last_session(node)
            if at is not None:
                handshakes.add_metric((node.name, str(node.public_key)), int(at.timestamp()))
        yield handshakes
