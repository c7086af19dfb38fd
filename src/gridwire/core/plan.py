"""One order for what the nouns yield: guard, mesh, proxy, names.

The perimeter stands before there is a network, the network before what listens on it. Cuts (peers that must go, and
their sockets) open nothing, so they wait for nothing but the guard; where a revoked node is still a peer and the
guard stands, not even for that: a peer that is cut is off the wire at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gridwire.core.actions import Action
from gridwire.core.guard import GuardObserved
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import MeshObserved

ORDER = ("guard", "mesh", "proxy", "names")
ASIDE = frozenset({"names"})  # a convenience: what becomes of it is told, and is no reason to take a spec back


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action and the section that applies it."""

    section: str
    action: Action

    @property
    def reason(self) -> str:
        return f"{self.section}: {self.action.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes from observed to spec; empty means in sync."""

    steps: tuple[Step, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(step.reason for step in self.steps)

    def __bool__(self) -> bool:
        return bool(self.steps)


def section_order(present: Iterable[str]) -> tuple[str, ...]:
    """The sections that are there, in order; raise ValueError for one that has no place."""
    names = set(present)
    if unknown := names - set(ORDER):
        raise ValueError(f"no place in the order for {', '.join(sorted(unknown))}")
    return tuple(name for name in ORDER if name in names)


def arrange(actions: Mapping[str, tuple[Action, ...]]) -> Plan:
    """A plan of what each section yields; within a section the order is its own."""
    order = section_order(actions)
    return Plan(steps=tuple(Step(section=name, action=action) for name in order for action in actions[name]))


def cuts_first(spec: NodeSpec, guard: Known[Any] | Unknown, mesh: Known[Any] | Unknown) -> bool:
    """Whether a revoked node is still a peer, and the guard stands meanwhile; what those sections observed."""
    if isinstance(guard, Unknown) or isinstance(mesh, Unknown):
        return False
    if not isinstance(guard.value, GuardObserved) or not isinstance(mesh.value, MeshObserved):
        return False
    revoked = {stone.public_key for stone in spec.tombstones}
    return guard.value.stands is not None and any(peer.public_key in revoked for peer in mesh.value.peers)
