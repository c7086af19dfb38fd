"""The program wireguard-go: where it is, which it is, and what it needs of the host."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from gridwire.core.errors import Unavailable

TUN = Path("/dev/net/tun")
NAMES = ("wireguard-go", "wireguard")  # Debian's, and what `go install golang.zx2c4.com/wireguard` makes

# Both say "foreground", the variable also keeps the advice to use the kernel's module out of the log.
ENVIRONMENT = {"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error", "PATH": os.defpath}


def find_binary(binary: str | None = None) -> str:
    """The absolute path of ``binary``, or of the wireguard-go on PATH; raise Unavailable with the package."""
    for name in (binary,) if binary is not None else NAMES:
        path = shutil.which(name)
        if path is not None:
            return str(Path(path).resolve())
    raise Unavailable(
        f"{binary or 'wireguard-go'} is not there, and this kernel has no WireGuard",
        fix="apt install wireguard-go, or name a binary in the settings (mesh.wireguard_go)",
        code="wireguard-go-missing",
    )


def check_tun(tun: Path = TUN) -> None:
    """Raise Unavailable with the container's two lines where there is no TUN device."""
    if not tun.is_char_device():
        raise Unavailable(
            f"{tun} is missing, and this kernel has no WireGuard",
            fix=(
                "`modprobe tun`; in an LXC container add to its configuration on the host, then restart it:\n"
                "lxc.cgroup2.devices.allow: c 10:200 rwm\n"
                "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file"
            ),
            code="tun-missing",
        )


def version_of(binary: str) -> str:
    """``wireguard-go v0.0.20220316``; raise Unavailable for what does not run."""
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=5, check=True, env={"PATH": os.defpath}
        )
    except (OSError, subprocess.SubprocessError):
        raise Unavailable(f"{binary} does not run", fix="check mesh.wireguard_go in the settings") from None
    return done.stdout.splitlines()[0].strip() if done.stdout else Path(binary).name
