"""wg(8) as a subprocess: argv lists, the private key by file name only, errors by what they mean."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridwire.adapters.wireguard.dump import Dump, parse_dump
from gridwire.core.errors import Conflict, GridwireError, NotPermitted, Unavailable
from gridwire.core.wireguard import PublicKey

TIMEOUT_SECONDS = 10.0  # a first sync of 500 peers takes 0.13 s; a stopped wireguard-go never answers
_PEERS_PER_CALL = 200


def find_wg() -> Wg:
    """The driver for the wg on PATH; raise Unavailable with the package that brings it."""
    path = shutil.which("wg")
    if path is None:
        raise Unavailable("wg is not on PATH", fix="apt install wireguard-tools", code="wg-missing")
    return Wg(path)


@dataclass(frozen=True, slots=True)
class Wg:
    """``path``: of the binary. Every method raises Unavailable, Conflict, NotPermitted or GridwireError."""

    path: str

    def dump(self, interface: str) -> Dump:
        text = self._run(["show", interface, "dump"])
        try:
            return parse_dump(text)
        except ValueError as error:
            raise Unavailable(f"wg show {interface} dump: {error}") from None

    def set_key(self, interface: str, private_key: Path, listen_port: int) -> None:
        """A port of 0 leaves the port as it is. Raise Conflict (code ``port-taken``) where another holds it."""
        port = ["listen-port", str(listen_port)] if listen_port else []
        try:
            self._run(["set", interface, "private-key", str(private_key), *port])
        except Conflict:
            raise port_taken(listen_port) from None

    def add_peers(self, interface: str, conf: str) -> None:
        """Add or rewrite the peers of a ``[Peer]`` text; others stay as they are."""
        self._run(["addconf", interface, "/dev/stdin"], stdin=conf)

    def remove_peers(self, interface: str, keys: Sequence[PublicKey]) -> None:
        for start in range(0, len(keys), _PEERS_PER_CALL):
            words = [word for key in keys[start : start + _PEERS_PER_CALL] for word in ("peer", key, "remove")]
            self._run(["set", interface, *words])

    def set_endpoint(self, interface: str, key: PublicKey, endpoint: str, keepalive: int) -> None:
        """``endpoint`` as an address literal. Keepalive goes off and on: turning it on sends a handshake at once."""
        self._run(["set", interface, "peer", key, "persistent-keepalive", "off"])
        self._run(["set", interface, "peer", key, "endpoint", endpoint, "persistent-keepalive", str(keepalive)])

    def version(self) -> str:
        return self._run(["--version"]).partition(" - ")[0].strip()

    def _run(self, words: Sequence[str], *, stdin: str = "") -> str:
        what = f"wg {' '.join(words[:2])}"
        try:
            done = subprocess.run(
                [self.path, *words],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
                env={"PATH": os.defpath, "LC_ALL": "C"},  # errors are told apart by their English text
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{what} got no answer in {TIMEOUT_SECONDS:.0f} s", code="wg-timeout") from None
        except OSError as error:
            raise Unavailable(f"{what}: {error.strerror}", fix="apt install wireguard-tools") from None
        if done.returncode != 0:
            raise _failure(what, done.stderr.strip().splitlines()[-1:] or ["no message"])
        return done.stdout


def port_taken(port: int) -> Conflict:
    return Conflict(
        f"UDP port {port} is taken",
        fix="end what holds it, or give `endpoint:` another port in its settings and restart gridwire",
        code="port-taken",
    )


def _failure(what: str, lines: Sequence[str]) -> GridwireError:
    message = f"{what}: {lines[0]}"
    if "Address already in use" in message:
        return Conflict(message, code="port-taken")
    if "not permitted" in message or "Permission denied" in message:
        return NotPermitted(message, fix="run it as root")
    if any(text in message for text in ("No such device", "Connection refused", "Protocol not supported")):
        return Unavailable(message, code="no-device")
    return GridwireError(message, code="wg-failed")
