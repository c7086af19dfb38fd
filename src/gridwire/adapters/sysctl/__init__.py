"""Kernel settings under /proc/sys, of the network namespace that the calling thread is in."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from gridwire.core.errors import GridwireError, NotPermitted

ROOT = Path("/proc/sys")


class Sysctls:
    """``root``: where settings lie; keys are paths under it, like net/ipv4/conf/all/arp_ignore."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def read(self, key: str) -> int | None:
        """A setting that is one number; none where this kernel has no such setting. Raise GridwireError."""
        try:
            return int((self._root / key).read_text("ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise GridwireError(f"kernel setting {key} cannot be read ({error})", code="sysctl") from error

    def writable(self, key: str) -> bool:
        """Whether it may be set from here at all; a container's /proc/sys is read-only."""
        return os.access(self._root / key, os.W_OK)

    def write(self, key: str, value: int) -> None:
        """Raise NotPermitted with what to do where /proc/sys is read-only, GridwireError otherwise."""
        try:
            (self._root / key).write_text(str(value), "ascii")
        except OSError as error:
            name = key.replace("/", ".")
            if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                fix = (
                    f"set it from outside: docker run --sysctl {name}={value}, in an LXC's configuration "
                    f"lxc.sysctl.{name} = {value}, with host networking sysctl -w {name}={value} on the host"
                )
                raise NotPermitted(f"kernel setting {name} cannot be set to {value} ({error.strerror})", fix=fix) from (
                    error
                )
            raise GridwireError(f"kernel setting {name} cannot be set to {value} ({error})", code="sysctl") from error

    def interfaces_with(self, setting: str, value: int) -> tuple[str, ...]:
        """Names under net/ipv4/conf whose ``setting`` is ``value``, sorted; interfaces may vanish meanwhile."""
        folder = self._root / "net/ipv4/conf"
        names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        return tuple(name for name in names if self.read(f"net/ipv4/conf/{name}/{setting}") == value)
