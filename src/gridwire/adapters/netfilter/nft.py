"""Drive `nft -j`: one transaction on stdin, one table read back."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from gridwire.adapters.netfilter.listing import Listing, canonical
from gridwire.adapters.netfilter.unchanged import Mark, packet_rules
from gridwire.core.errors import GridwireError, NotPermitted, Unavailable
from gridwire.core.guard import TABLE

_PATIENCE_SECONDS = 30.0  # 1,000 elements take 0.1 s; another nft may hold the lock for a while
_SHOWN = 400


class Nft:
    """The ``nft`` program; ``binary`` is a name on PATH or a path."""

    def __init__(self, binary: str = "nft") -> None:
        self._binary = binary
        self._known: tuple[Mark, Listing | None] | None = None

    def load(self, transaction: dict[str, Any]) -> None:
        """Apply all of it or nothing; raise GridwireError with nft's own words."""
        done = self._run("-f", "-", stdin=json.dumps(transaction))
        if done.returncode:
            raise _failure("nft refused the guard's table, and nothing was changed", done.stderr)

    def read(self) -> Listing | None:
        """The guard's table in canonical form; none where there is no such table. Raise GridwireError.

        A listing that is no JSON is that of a table with strange flags, and equal to no table that was loaded.
        While the kernel says that nobody changed anything it is the same object, which nobody may change.
        """
        mark, known = packet_rules(), self._known
        if mark is not None and known is not None and known[0] == mark:
            return known[1]
        listed = self._list("table", "inet", TABLE)
        listing = None if listed is None else canonical(listed)
        self._known = (mark, listing) if mark is not None and packet_rules() == mark else None
        return listing

    def counters(self) -> dict[str, tuple[int, int]]:
        """name → (packets, bytes) since the table was first loaded; empty where there is no such table."""
        listed = self._list("counters", "table", "inet", TABLE)
        found = [entry["counter"] for entry in listed or () if "counter" in entry]
        return {c["name"]: (c["packets"], c["bytes"]) for c in found if c.get("table") == TABLE}

    def _list(self, *what: str) -> list[dict[str, Any]] | None:
        done = self._run("list", *what)
        if done.returncode:
            if "No such file or directory" in done.stderr:
                return None
            raise _failure(f"nft could not list {' '.join(what)}", done.stderr)
        try:
            objects: list[dict[str, Any]] = json.loads(done.stdout)["nftables"]
        except (ValueError, KeyError):
            # nft 1.0.6 prints whatever lies in memory as a dormant table's flags, which may be no JSON.
            return [{"table": {"family": "inet", "name": TABLE, "flags": "unreadable"}}]
        return objects

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._binary, "-j", *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE_SECONDS,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise Unavailable("nft is not installed", fix="install nftables (apt install nftables)") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"nft did not answer in {_PATIENCE_SECONDS:.0f} s", fix="see what holds it") from None


def _failure(what: str, stderr: str) -> GridwireError:
    said = " ".join(stderr.split())[:_SHOWN]
    if "Operation not permitted" in stderr:
        return NotPermitted(f"{what} ({said})", fix="run as root, or with CAP_NET_ADMIN in this network namespace")
    if "JSON support not compiled-in" in stderr:
        return Unavailable(f"{what} ({said})", fix="install an nftables built with JSON, 1.0.6 or newer")
    return GridwireError(f"{what} ({said})", code="nft")
