"""Sets of nodes, as bits of one number, and how they are told of: by what selects all of them, else by name.

One node is one bit, so that the nodes of a route of 10,000 are compared in microseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from gridwire.core.addressing import Address
from gridwire.core.fleet import ON_MESH, Fleet, Node, NodeState, Role, Selector
from gridwire.core.names import NodeName
from gridwire.core.sources import Key, keys_of

NAMED = 50  # nodes of a crowd that are called by name

Mask = int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All the active nodes that ``selector`` names."""

    selector: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Some nodes. ``groups``: roles and tags that lie in it whole, no node in two of them; with ``rest`` in none.
    ``nodes``: the first of them by name, not more than NAMED."""

    count: int = 0
    groups: tuple[Group, ...] = ()
    rest: int = 0
    nodes: tuple[NodeName, ...] = ()


NOBODY = Crowd()
NOTHING: Mask = 0


class Roster:
    """The nodes of some fleets, each with a bit of its own for its address, which it keeps when it is renamed."""

    def __init__(self, *fleets: Fleet) -> None:
        names: dict[Address, NodeName] = {}
        for fleet in fleets:
            for node in fleet.nodes:
                names.setdefault(node.address, node.name)
        # In the order of names, so that the first of a crowd are found without looking at all of it.
        ordered = sorted(names, key=lambda address: (names[address], int(address)))
        self._bits: dict[Address, int] = {address: bit for bit, address in enumerate(ordered)}

    def bit(self, node: Node) -> int:
        return self._bits[node.address]

    def mask(self, bits: Iterable[int]) -> Mask:
        """In one pass: to set one bit of a long number copies all of it."""
        field = bytearray((len(self._bits) >> 3) + 1)
        for bit in bits:
            field[bit >> 3] |= 1 << (bit & 7)
        return int.from_bytes(field, "little")


class Crowds:
    """The nodes of one fleet by what selects them. Of a fleet that ``roster`` was made of."""

    def __init__(self, fleet: Fleet, roster: Roster) -> None:
        self._roster = roster
        self._by_bit: dict[int, Node] = {}
        self._by_key: dict[Key, list[int]] = defaultdict(list)
        for node in fleet.nodes:
            bit = roster.bit(node)
            known = self._by_bit.get(bit)
            if known is None or known.state is NodeState.REVOKED:  # an address of a tailnet may be given again
                self._by_bit[bit] = node
        nodes = self._by_bit.items()
        for bit, node in nodes:
            if node.state is NodeState.ACTIVE:
                for key in keys_of(node):
                    self._by_key[key].append(bit)
        self._masks: dict[Key, Mask] = {}
        self._several: list[tuple[int, str, Mask]] | None = None
        self._told: dict[Mask, Crowd] = {NOTHING: NOBODY}  # thousands of routes are open to some tens of crowds
        self.on_mesh = roster.mask(bit for bit, node in nodes if node.state in ON_MESH)
        self.edges = self.of("role", Role.EDGE)
        self.people = roster.mask(
            bit for bit, node in nodes if node.state is NodeState.ACTIVE and node.role is not Role.GATEWAY
        )
        self.drained = roster.mask(bit for bit, node in nodes if node.drained)

    def of(self, kind: str, value: str) -> Mask:
        """The active nodes that a plain selector names, gateways too."""
        key = (kind, value)
        found = self._masks.get(key)
        if found is None:
            found = self._masks[key] = self._roster.mask(self._by_key.get(key, ()))
        return found

    def selected(self, selectors: Iterable[Selector]) -> Mask:
        found = 0
        for selector in selectors:
            found |= self.of(selector.kind, selector.value)
        return found

    def first(self, mask: Mask, most: int) -> tuple[NodeName, ...]:
        """So many of them, sorted by name."""
        found = (node.name for bit in bits_of(mask) if (node := self._by_bit.get(bit)) is not None)
        return tuple(sorted(islice(found, most)))

    def among(self, node: Node, mask: Mask) -> bool:
        return bool(mask >> self._roster.bit(node) & 1)

    def crowd(self, mask: Mask) -> Crowd:
        found = self._told.get(mask)
        if found is None:
            groups, rest = self._groups(mask)
            nodes = self.first(mask, NAMED)
            found = Crowd(count=mask.bit_count(), groups=groups, rest=rest.bit_count(), nodes=nodes)
            self._told[mask] = found
        return found

    def _groups(self, mask: Mask) -> tuple[tuple[Group, ...], Mask]:
        """The largest that lies in what is left, again and again. A group of one is called by its name."""
        found: list[Group] = []
        left = mask
        for count, selector, of_key in self._largest_first():
            if of_key & ~left == 0:
                found.append(Group(selector=selector, count=count))
                left &= ~of_key
        return tuple(found), left

    def _largest_first(self) -> list[tuple[int, str, Mask]]:
        """What names several nodes."""
        if self._several is None:
            several = [key for key, bits in self._by_key.items() if key[0] in ("role", "tag") and len(bits) > 1]
            told = ((len(self._by_key[key]), f"{key[0]}:{key[1]}", self.of(*key)) for key in several)
            self._several = sorted(told, key=lambda one: (-one[0], one[1]))
        return self._several


def bits_of(mask: Mask) -> Iterable[int]:
    field = mask.to_bytes((mask.bit_length() + 7) >> 3, "little")
    for place, byte in enumerate(field):
        while byte:
            lowest = byte & -byte
            yield (place << 3) + lowest.bit_length() - 1
            byte ^= lowest
