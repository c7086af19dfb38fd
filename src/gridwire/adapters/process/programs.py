"""Run a program to its end: argv lists only, bounded in time, and a missing one says which package has it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from gridwire.core.errors import Unavailable

PACKAGES = {
    "firewall-cmd": "firewalld",
    "ip": "iproute2",
    "nft": "nftables",
    "nginx": "nginx and libnginx-mod-http-lua",
    "ss": "iproute2",
    "sysctl": "procps",
    "ufw": "ufw",
    "wg": "wireguard-tools",
    "wireguard-go": "wireguard-go",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a program wrote, and how it ended; ``code`` is negative for a signal."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    stdin: str | None = None,
    timeout: float = 30.0,  # seconds
) -> Completed:
    """Raise Unavailable where the program is missing or too slow; its exit code is the caller's to judge."""
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        package = PACKAGES.get(argv[0].rpartition("/")[2])
        fix = f"install {package}: apt install {package.replace(' and', '')}" if package else "install it"
        raise Unavailable(f"{argv[0]} is not installed", fix=fix, code="program-missing") from None
    except PermissionError:
        raise Unavailable(f"{argv[0]} may not be run", fix="run as root", code="program-missing") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{argv[0]} did not end within {timeout:g} s", code="program-slow") from None
    return Completed(argv=tuple(argv), code=done.returncode, stdout=done.stdout, stderr=done.stderr)
