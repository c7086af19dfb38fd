"""WireGuard by hand on lab hosts, without any of gridwire: a gateway that forwards, an edge, a client.

The client reaches the edge over as many tunnels as in a grid: client → gateway → edge. The packets are forwarded by the
gateway's kernel, and no proxy has a part in it.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gridwire.adapters.wireguard import UserspaceBackend, new_private_key, public_of, select, version_of
from gridwire.adapters.wireguard.buffers import hold as hold_in_socket
from gridwire.adapters.wireguard.buffers import udp_sockets
from gridwire.lab.grid import Grid
from gridwire.lab.host import Host
from gridwire.lab.processes import named
from gridwire.lab.topology import Place
from gridwire.lab.waiting import until

GATEWAY, EDGE, CLIENT = "wg-gateway", "wg-edge", "wg-client"
PLACES: Final = (
    Place(host=GATEWAY, link="gateway", number=107, sysctls={"net.ipv4.ip_forward": 1}),
    Place(host=EDGE, link="edges", number=111),
    Place(host=CLIENT, link="homes", number=131),
)
ADDRESSES: Final = {GATEWAY: "10.86.0.1", EDGE: "10.86.1.1", CLIENT: "10.86.2.1"}
_PREFIX: Final = "10.86.0.0/16"
_DEVICE, _PORT, _MTU = "wg0", 51820, 1420  # gridwire's MTU too
_CONFIG: Final = Path("/run/wg0.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peer:
    key: str
    allowed: str
    endpoint: str | None = None

    def lines(self) -> list[str]:
        called = [] if self.endpoint is None else [f"Endpoint = {self.endpoint}:{_PORT}", "PersistentKeepalive = 25"]
        return ["[Peer]", f"PublicKey = {self.key}", f"AllowedIPs = {self.allowed}", *called]


def connect(grid: Grid) -> str:
    """Bring the three hosts' tunnels up; say what makes them: the kernel, or a wireguard-go with its version."""
    private = {name: new_private_key() for name in ADDRESSES}
    public = {name: public_of(key) for name, key in private.items()}
    gateway = grid.lab.address(GATEWAY)
    leaf = [_Peer(key=public[GATEWAY], allowed=_PREFIX, endpoint=gateway)]
    peers = {
        GATEWAY: [_Peer(key=public[name], allowed=f"{ADDRESSES[name]}/32") for name in (EDGE, CLIENT)],
        EDGE: leaf,
        CLIENT: leaf,
    }
    for name, address in ADDRESSES.items():
        _bring_up(grid.host(name), private[name], address, peers[name])
    for host in (grid.host(EDGE), grid.host(CLIENT)):
        until(partial(_has_shaken, host), f"a handshake of {host.name}", timeout=20)
    backend = select()
    if isinstance(backend, UserspaceBackend):
        return version_of(backend.binary)
    return "the kernel's"


def hold(grid: Grid, size: int) -> None:
    """Let what makes the tunnels in user space hold so many bytes that came; the kernel's own has no such sockets."""
    for name in ADDRESSES:
        for process in named(grid.host(name), "wireguard"):
            for one in udp_sockets(process.pid):
                with closing(one):
                    hold_in_socket(one, size)


def default_size() -> int:
    """What every socket of this machine holds that nobody set, as it is set: half of what the kernel says."""
    return int(Path("/proc/sys/net/core/rmem_default").read_text()) // 2


def _has_shaken(host: Host) -> bool:
    """Of a host whose only peer is the gateway, which the kept-alive tunnel calls by itself."""
    return host.run(["wg", "show", _DEVICE, "latest-handshakes"]).stdout.split()[1:] not in ([], ["0"])


def _bring_up(host: Host, private: str, address: str, peers: list[_Peer]) -> None:
    lines = ["[Interface]", f"PrivateKey = {private}", f"ListenPort = {_PORT}"]
    for peer in peers:
        lines += peer.lines()
    config = host.root / _CONFIG.relative_to("/")
    with open(config, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("\n".join(lines) + "\n")
    backend = select()
    if isinstance(backend, UserspaceBackend):
        host.start_logged([backend.binary, "-f", _DEVICE], Path("/run/wg0.log"))
    else:
        host.run(["ip", "link", "add", _DEVICE, "type", "wireguard"])
    until(
        lambda: host.run(["wg", "show", _DEVICE], check=False).returncode == 0, f"{_DEVICE} on {host.name}", timeout=20
    )
    host.run(["wg", "setconf", _DEVICE, str(_CONFIG)])
    host.run(["ip", "addr", "add", f"{address}/16", "dev", _DEVICE])
    host.run(["ip", "link", "set", _DEVICE, "mtu", str(_MTU), "up"])
