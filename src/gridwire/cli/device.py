"""A WireGuard configuration for the official apps, which know nothing of invitations."""

from __future__ import annotations

import os
from pathlib import Path

from gridwire.core.errors import Conflict, Unavailable
from gridwire.core.fleet import Network, Node
from gridwire.protocol.api import NodeView

KEEPALIVE_SECONDS = 25  # what the apps suggest: below the 30 s that the shortest NATs keep a UDP flow


def configuration(node: Node, private_key: str, network: Network, gateways: tuple[Node, ...]) -> str:
    """wg-quick's format (wg-quick(8)); only the gateways are reached through it. Holds the private key."""
    lines = [
        f"# {node.name}, {node.role}",
        "[Interface]",
        f"PrivateKey = {private_key}",
        f"Address = {node.address}/{node.address.max_prefixlen}",
        f"MTU = {network.mtu}",
    ]
    for gateway in gateways:
        lines += [
            "",
            f"# {gateway.name}",
            "[Peer]",
            f"PublicKey = {gateway.public_key}",
            f"AllowedIPs = {gateway.address}/{gateway.address.max_prefixlen}",
            f"Endpoint = {gateway.endpoint}",
            f"PersistentKeepalive = {KEEPALIVE_SECONDS}",
        ]
    return "\n".join(lines) + "\n"


def callable_gateways(views: tuple[NodeView, ...]) -> tuple[Node, ...]:
    """Gateways that a device can call; raise Unavailable where there is none."""
    found = tuple(
        view.node
        for view in views
        if view.node.role == "gateway" and view.node.public_key is not None and view.node.endpoint is not None
    )
    if not found:
        raise Unavailable(
            "no gateway has an endpoint that a device could call",
            fix="write `endpoint: host:port` into the gateway's settings file, and restart gridwire there",
        )
    return found


def check_new_file(path: str) -> None:
    """Raise Conflict before anything is made that could then not be saved."""
    target = Path(path)
    if target.exists():
        raise Conflict(f"{target} is there already", fix="give another file; a key is shown once")
    if not target.absolute().parent.is_dir():
        raise Conflict(f"there is no directory {target.absolute().parent}", fix="make it, or give another file")


def save_secret(path: str, text: str) -> None:
    """A new file that its owner alone may read; raise Conflict where there is one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already", fix="give another file") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def print_qr(text: str) -> None:
    """As half blocks on the terminal."""
    import segno

    segno.make(text, error="l", micro=False).terminal(compact=True, border=2)
