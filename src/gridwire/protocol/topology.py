"""The grid as a picture whose parts never move: four columns, each in the order of names, and links from left to right.

A column of more than COLUMN is told of by groups: nodes by a tag, services by what selects their edges.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.fleet import Role
from gridwire.protocol.explanation import HopState

COLUMN = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """A node, a service, or a group of ``count`` of them. ``id`` is what links name. ``broken`` and ``unknown``: how
    many of it are; ``state`` is the worst of them."""

    id: str
    name: str
    state: HopState
    reason: str = ""
    role: Role | None = None
    count: int = 1
    broken: int = 0
    unknown: int = 0
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """``count``: single links in it; ``broken`` and ``unknown`` as of a vertex."""

    start: str
    end: str
    state: HopState
    reason: str = ""
    count: int = 1
    broken: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    revision: int
    devices: tuple[Vertex, ...]
    gateways: tuple[Vertex, ...]
    edges: tuple[Vertex, ...]
    services: tuple[Vertex, ...]
    links: tuple[Arc, ...]
