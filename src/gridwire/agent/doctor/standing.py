"""What this host is in a grid, as its own files say: nothing yet, a gateway, an edge, …"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gridwire.adapters.files import read_bytes
from gridwire.adapters.settings import load
from gridwire.agent.state_dir import AgentState
from gridwire.core.addressing import Address
from gridwire.core.doctor.diagnosis import Unseen
from gridwire.core.errors import GridwireError, NotPermitted, Unavailable
from gridwire.core.fleet import DEFAULT_SUFFIX, Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.settings import NodeSettings, Settings
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Provider
from gridwire.core.wireguard import DEFAULT_PORT

T = TypeVar("T")
_NOBODY = Settings(node=NodeSettings(name=NodeName("host")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``settings`` are gridwire's defaults where there is no file. ``unseen``: what could not be read of it."""

    settings: Settings
    configured: bool
    identity: JoinedAs | None
    spec: NodeSpec | None
    unseen: tuple[Unseen, ...]
    root: bool

    @property
    def role(self) -> Role | None:
        """None before this host is a node, and where that cannot be read."""
        if self.identity is not None:
            return self.identity.role
        return Role.GATEWAY if self.settings.endpoint is not None else None

    @property
    def on_tailnet(self) -> bool:
        """Whether addresses, peers and the way from host to host are Tailscale's."""
        provider = self.identity.provider if self.identity is not None else self.settings.mesh.provider
        return provider is Provider.TAILSCALE

    @property
    def interface(self) -> Interface:
        return self.identity.interface if self.identity is not None else self.settings.network.interface

    @property
    def listen_port(self) -> int:
        """WireGuard's where others call this host or may come to; 0 on a node that only calls."""
        if self.role not in (None, Role.GATEWAY):
            return 0
        return int(self.settings.endpoint.rpartition(":")[2]) if self.settings.endpoint else DEFAULT_PORT

    @property
    def suffix(self) -> HostName | None:
        """The domain of routes where it is one of DNS."""
        suffix = self.identity.suffix if self.identity is not None else self.settings.suffix
        return None if suffix == DEFAULT_SUFFIX else suffix

    @property
    def gateway_address(self) -> Address | None:
        if self.identity is None:
            return None
        if self.identity.role is Role.GATEWAY:
            return self.identity.address
        return self.identity.gateways[0].address if self.identity.gateways else None


def read_standing(settings_file: str) -> Standing:
    """Raise Invalid for a settings file with a mistake in it: nothing that is said of such a host would hold."""
    unseen: list[Unseen] = []
    settings = _settings(settings_file, unseen)
    configured = settings is not None
    settings = settings or _NOBODY
    state = AgentState(settings.paths.agent_state)
    identity = _unless(state.load_identity, "what this host is in the grid", unseen)
    spec = _unless(lambda: state.load_spec().spec, "what it should be", unseen) if identity is not None else None
    if identity is not None and spec is None:
        spec = first_spec(identity)
    return Standing(
        settings=settings,
        configured=configured,
        identity=identity,
        spec=spec,
        unseen=tuple(unseen),
        root=os.geteuid() == 0,
    )


def _settings(path: str, unseen: list[Unseen]) -> Settings | None:
    """None where there is no file, or none that can be read. Raise Invalid."""
    try:
        return load(path)
    except (NotPermitted, Unavailable) as error:
        if isinstance(error, NotPermitted) or os.path.lexists(path):  # False where a folder is closed
            unseen.append(Unseen(name="settings", reason=error.what))
        return None


def newest_written(standing: Standing, settings_file: str) -> float | None:
    """When the newest of this node's files was written, seconds since 1970 by its clock; none where none is seen."""
    state = Path(standing.settings.paths.agent_state)
    names = ("joined.json", "spec.json", "in-force", "endpoints.json", "credential")
    found = []
    for path in (Path(settings_file), *(state / name for name in names)):
        try:
            found.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(found, default=None)


def read_private_key(standing: Standing) -> Known[str] | Unknown:
    """This node's own, for what is sealed for it; not to be shown."""
    try:
        text = read_bytes(Path(standing.settings.paths.agent_state) / "node.key")
    except GridwireError as error:
        return Unknown(error.what)
    return Unknown("this host has no key") if text is None else Known(text.decode("ascii", "replace").strip())


def look(read: Callable[[], T]) -> Known[T] | Unknown:
    """What ``read`` gives, or why it cannot be had."""
    try:
        return Known(read())
    except GridwireError as error:
        return Unknown(error.what)
    except OSError as error:
        return Unknown(error.strerror or str(error))


def _unless(read: Callable[[], T | None], name: str, unseen: list[Unseen]) -> T | None:
    seen = look(read)
    if isinstance(seen, Unknown):
        unseen.append(Unseen(name=name, reason=seen.reason))
        return None
    return seen.value
