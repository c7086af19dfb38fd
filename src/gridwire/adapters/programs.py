"""Run a program to its end: argv lists only, bounded in time, and a missing one says which package has it.

The one adapter that others call: how a program is run, in English and with nothing to ask on stdin, is one decision.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridwire.core.errors import Unavailable

PACKAGES = {
    "firewall-cmd": "firewalld",
    "ip": "iproute2",
    "nft": "nftables",
    "nginx": "nginx and libnginx-mod-http-lua",
    "ss": "iproute2",
    "sysctl": "procps",
    "systemctl": "systemd",
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

    @property
    def said(self) -> str:
        """One line of what it complained of, for a message."""
        return " ".join((self.stderr or self.stdout).split())[:400] or f"exit code {self.code}"


def run(
    argv: Sequence[str],
    stdin: str | None = None,
    timeout: float = 30.0,  # seconds
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Raise Unavailable where the program is missing or too slow; its exit code is the caller's to judge.

    ``env``: all that it sees of the environment; none: what this process has. LC_ALL is C: answers are read.
    """
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
            env={**(os.environ if env is None else env), "LC_ALL": "C"},
        )
    except FileNotFoundError:
        package = PACKAGES.get(argv[0].rpartition("/")[2])
        fix = f"install {package}: apt install {package.replace(' and', '')}" if package else "install it"
        raise Unavailable(f"{argv[0]} is not installed", fix=fix, code="program-missing") from None
    except OSError as error:
        raise Unavailable(
            f"{argv[0]} cannot be run ({error.strerror})", fix="run as root", code="program-missing"
        ) from (None)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(argv[:2])}` did not end within {timeout:g} s", code="program-slow") from None
    return Completed(argv=tuple(argv), code=done.returncode, stdout=done.stdout, stderr=done.stderr)
