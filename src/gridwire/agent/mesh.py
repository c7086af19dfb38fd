"""The mesh section: the WireGuard device of this node, its routes, and the sockets of nodes that are gone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gridwire.adapters.clock import utc_now
from gridwire.adapters.files import Reread, read_bytes, write_atomic
from gridwire.adapters.sockets import holders, kill_sockets, knock, leads_to
from gridwire.adapters.wireguard import Backend, LinkWatch, public_of
from gridwire.core.actions import Action
from gridwire.core.endpoint import literal_endpoint, split_endpoint
from gridwire.core.errors import Conflict, GridwireError, Invalid, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.mesh import plan_cuts, plan_mesh
from gridwire.core.mesh_actions import BringUp, KillSockets, PeerConfig, RenewPeer, SetKey, SyncPeers
from gridwire.core.mesh_memory import MeshMemory, having_applied, having_called, having_looked, having_seen, only_of
from gridwire.core.names import Interface
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NodeSpec
from gridwire.core.wireguard import STALE_HANDSHAKE_SECONDS, MeshObserved, MeshSpec, PeerSeen, PublicKey, public_key
from gridwire.render.wireguard import peers_text

ENDPOINTS = "endpoints.json"
LISTEN_PORT = "listen-port"


class MeshSection:
    """``private_key``: 0600, one line of base64. ``state``: the directory that keeps the endpoints last seen.

    ``interface``: the only one that this section touches, whatever a spec says.
    """

    name = "mesh"

    def __init__(
        self,
        private_key: Path,
        state: Path,
        backend: Backend,
        clock: Callable[[], datetime] = utc_now,
        *,
        interface: Interface = Interface("gw0"),  # noqa: B008  # a NewType of a literal
    ) -> None:
        self._private_key = private_key
        self._public_key = Reread(private_key, self._own_key)
        self._endpoints = state / ENDPOINTS
        self._listen_port = state / LISTEN_PORT
        self._backend = backend
        self._clock = clock
        self._interface = interface
        self._memory: MeshMemory | None = None

    def observe(self) -> Known[MeshObserved | None] | Unknown:
        observed = self._backend.observe(self._interface)
        if isinstance(observed, Known) and observed.value is not None:
            self._backend.tend(self._interface)
            seen = having_seen(self._recalled(), observed.value, self._clock())
            self._remember(having_looked(seen, self._cut_off(observed.value)))
        return observed

    def plan(self, spec: NodeSpec, observed: Known[MeshObserved | None] | Unknown, now: datetime) -> tuple[Action, ...]:
        """Raise Invalid for a spec that no device may hold, Unavailable without this node's key."""
        self._check(spec)
        self._remember(only_of(self._recalled(), {peer.public_key for peer in spec.mesh.peers}))
        return plan_mesh(
            spec.mesh, self._public_key(), observed, now, memory=self._recalled(), tombstones=spec.tombstones
        )

    def plan_cuts(
        self, spec: NodeSpec, observed: Known[MeshObserved | None] | Unknown, now: datetime
    ) -> tuple[Action, ...]:
        """Raise Invalid for a spec of another device than this node's.

        Where the peers are gateways, one that the spec has no more may carry the control channel: it goes when the
        ones that take its place are added.
        """
        self._check(spec)
        gateway = spec.role is Role.GATEWAY
        stones = spec.tombstones
        return plan_cuts(spec.mesh, observed, now, memory=self._recalled(), tombstones=stones, withdrawn=gateway)

    def apply(self, action: Action) -> None:
        succeeded = False
        # Before it is done, for that is when they are called: a network that comes right after leads to them too late.
        nowhere = frozenset(p.public_key for p in config_of(action) if p.endpoint is not None and _nowhere(p.endpoint))
        try:
            if isinstance(action, KillSockets):
                kill_sockets(action.addresses)
            else:
                apply_to(self._backend, action, self._private_key)
            succeeded = True
            peers = config_of(action)
            if peers:
                # After a restart a peer without keepalive would speak to the lost session for 15 s before it notices.
                knock(prefix[0] for peer in peers if _waits_for_traffic(peer) for prefix in peer.allowed_ips)
        finally:
            memory = having_applied(self._recalled(), action, self._clock(), succeeded=succeeded)
            self._memory = having_called(memory, nowhere)

    def watch(self, wake: Callable[[], None]) -> LinkWatch:
        """Calls ``wake`` from a thread whenever a link or address changed; ``close`` ends it."""
        return LinkWatch(wake)

    def _cut_off(self, device: MeshObserved) -> frozenset[PublicKey]:
        """Peers that were not heard of lately and that no network leads to: asked of the routes, nothing is sent."""
        silent = [peer for peer in device.peers if self._silent(peer)]
        return frozenset(peer.public_key for peer in silent if peer.endpoint is not None and _nowhere(peer.endpoint))

    def _silent(self, peer: PeerSeen) -> bool:
        heard = peer.latest_handshake
        return heard is None or (self._clock() - heard).total_seconds() > STALE_HANDSHAKE_SECONDS

    def _check(self, spec: NodeSpec) -> None:
        if spec.mesh.interface != self._interface:
            raise Invalid("mesh.interface", f"the spec says {spec.mesh.interface}, this node's is {self._interface}")

    def _own_key(self) -> PublicKey:
        """Of the file as it is now: joining replaces the key."""
        try:
            if self._private_key.stat().st_mode & 0o077:
                raise Conflict(
                    f"{self._private_key} can be read by others than root",
                    fix=f"chmod 600 {self._private_key}, and replace the node if others had access",
                    code="key-exposed",
                )
            return public_of(self._private_key.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"this node's key cannot be read ({error})", fix="join it: `gridwire join`", code="no-key"
            ) from None

    def _recalled(self) -> MeshMemory:
        if self._memory is None:
            self._memory = MeshMemory(
                endpoints=parse_endpoints(read_bytes(self._endpoints)),
                listen_port=parse_port(read_bytes(self._listen_port)),
            )
        return self._memory

    def _remember(self, memory: MeshMemory) -> None:
        before, self._memory = self._recalled(), memory
        # Only hints, which save seconds after a restart: no reason to fail, and tried again when one changes.
        with suppress(GridwireError):
            if memory.endpoints != before.endpoints:
                write_atomic(self._endpoints, json.dumps(dict(memory.endpoints), indent=1, sort_keys=True).encode())
            if memory.listen_port != before.listen_port:
                write_atomic(self._listen_port, f"{memory.listen_port}\n".encode())


class MeshTunnel:
    """The device for one that joins: it brings it up itself, with one key and then another.

    ``run``: a directory that does not outlive the host's uptime, for the key while wg reads it.
    """

    def __init__(self, backend: Backend, run: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._backend = backend
        self._run = run
        self._clock = clock
        self._interface: Interface | None = None

    def up(self, private_key: str, spec: MeshSpec) -> None:
        """Make the device be ``spec``, at once; raise GridwireError at the first thing that fails."""
        self._interface = spec.interface
        self._backend.start(spec.interface)
        observed = self._backend.observe(spec.interface)
        self._run.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(mode="w", dir=self._run, prefix="joining-") as file:  # 0600 by itself
            file.write(f"{private_key}\n")
            file.flush()
            for action in plan_mesh(spec, public_of(private_key), observed, self._clock()):
                if not isinstance(action, KillSockets):  # no service of ours stands on this host yet
                    apply_to(self._backend, action, Path(file.name))

    def seen(self) -> tuple[PeerSeen, ...]:
        observed = self._backend.observe(self._interface) if self._interface is not None else None
        return observed.value.peers if isinstance(observed, Known) and observed.value is not None else ()

    def remember(self, state: Path) -> None:
        """Keep the device's port for one that is made anew (MeshSection): gateways' and NATs' way to it stays."""
        observed = self._backend.observe(self._interface) if self._interface is not None else None
        device = observed.value if isinstance(observed, Known) else None
        if device is not None:
            with suppress(GridwireError):  # only a hint
                write_atomic(state / LISTEN_PORT, f"{device.listen_port}\n".encode())

    def down(self) -> None:
        if self._interface is not None:
            self._backend.stop(self._interface)


def _nowhere(endpoint: str) -> bool:
    """Whether no network leads to an endpoint; one that is a name is resolved by wg itself, which fails then."""
    return literal_endpoint(endpoint) is not None and not leads_to(split_endpoint(endpoint)[0])


def config_of(action: Action) -> Sequence[PeerConfig]:
    """The peers that an action gives to the device."""
    match action:
        case SyncPeers(peers=peers):
            return peers
        case RenewPeer(peer=peer):
            return (peer,)
    return ()


def apply_to(backend: Backend, action: Action, private_key: Path) -> None:
    """One action on the device; a taken port is told with who holds it."""
    peers = config_of(action)
    if isinstance(action, SetKey) and action.or_any and holders("udp", action.listen_port):
        # Asked beforehand: the kernel's device takes any port, and says only when it is brought up that it is taken.
        action = replace(action, listen_port=0)
    try:
        backend.apply(action, private_key=private_key, conf=peers_text(peers))
    except Conflict as error:
        if error.code != "port-taken" or not isinstance(action, SetKey | BringUp):
            raise
        named = sorted({f"{one.process} (process {one.pid})" for one in holders("udp", action.listen_port) if one.pid})
        raise Conflict(f"{error.what} by {', '.join(named) or 'the kernel'}", fix=error.fix, code=error.code) from None


def _waits_for_traffic(peer: PeerConfig) -> bool:
    """WireGuard knows where it is, and with a keepalive would call it by itself."""
    return peer.endpoint is not None and peer.keepalive == 0


def parse_port(content: bytes | None) -> int:
    """The saved port; 0 (any) where what was saved is none."""
    text = (content or b"").strip()
    port = int(text) if text.isdigit() and len(text) <= 5 else 0
    return port if port <= 65535 else 0


def parse_endpoints(content: bytes | None) -> dict[PublicKey, str]:
    """The saved endpoints; what is not one is left out, for they are hints and no decisions."""
    try:
        saved = json.loads(content or b"{}")
    except ValueError:
        return {}
    found: dict[PublicKey, str] = {}
    for key, endpoint in saved.items() if isinstance(saved, dict) else ():
        try:
            literal = literal_endpoint(endpoint) if isinstance(endpoint, str) else None
            if literal is not None:
                found[public_key(key)] = literal
        except Invalid:
            continue
    return found
