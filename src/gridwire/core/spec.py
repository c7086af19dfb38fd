"""Everything that one node must be in revision N: what control compiles and an agent applies."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.core.addressing import Address
from gridwire.core.fleet import Role
from gridwire.core.guard import GuardSpec
from gridwire.core.names import HostName, NodeName
from gridwire.core.proxy import ProxySpec
from gridwire.core.wireguard import MeshSpec, PublicKey

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesSpec:
    """Names for /etc/hosts, sorted: only those of routes that the node may use, all under ``suffix``."""

    suffix: HostName
    entries: tuple[tuple[HostName, Address], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A revoked node: its key is no peer, its address reaches nothing, its sockets are dead."""

    node: NodeName
    address: Address
    public_key: PublicKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One node's part of a revision. (epoch, revision) never goes back; a restore raises the epoch."""

    format: int = FORMAT
    epoch: int
    revision: int
    node: NodeName
    role: Role
    mesh: MeshSpec
    guard: GuardSpec
    proxy: ProxySpec
    names: NamesSpec
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def version(self) -> tuple[int, int]:
        return self.epoch, self.revision
