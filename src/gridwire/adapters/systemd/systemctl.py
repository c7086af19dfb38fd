"""systemctl(1). Each call is one job transaction, and raises Unavailable with what systemd said."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gridwire.adapters.programs import Completed, run
from gridwire.core.errors import Unavailable

_SECONDS = 120.0  # starting may wait for a slow disk; stopping for TimeoutStopSec of the slowest unit


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """``active`` as systemd says: active, activating, inactive, failed, …; ``detail``: running, exited, …"""

    unit: str
    loaded: bool
    enabled: bool
    active: str
    detail: str

    @property
    def up(self) -> bool:
        return self.active in ("active", "activating", "reloading")


def booted() -> bool:
    """Whether systemd runs this host, sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def states(units: Iterable[str]) -> tuple[UnitState, ...]:
    """In the order asked for; a unit that systemd does not know is not loaded, and inactive."""
    names = tuple(units)
    if not names:
        return ()
    asked = "--property=Id,LoadState,UnitFileState,ActiveState,SubState"
    blocks = _systemctl("show", asked, "--", *names).strip().split("\n\n")
    found = []
    for name, block in zip(names, blocks, strict=True):
        told = dict(line.partition("=")[::2] for line in block.splitlines())
        found.append(
            UnitState(
                unit=name,
                loaded=told.get("LoadState") == "loaded",
                enabled=told.get("UnitFileState") in ("enabled", "enabled-runtime"),
                active=told.get("ActiveState", "inactive"),
                detail=told.get("SubState", ""),
            )
        )
    return tuple(found)


def daemon_reload() -> None:
    _systemctl("daemon-reload")


def enable(units: Iterable[str]) -> None:
    _systemctl("enable", "--quiet", "--", *units)


def disable(units: Iterable[str]) -> None:
    _systemctl("disable", "--quiet", "--", *units)


def start(units: Iterable[str]) -> None:
    _systemctl("start", "--", *units)


def restart(units: Iterable[str]) -> None:
    _systemctl("try-restart", "--", *units)


def stop(units: Iterable[str]) -> None:
    """Stopped, and a failure of theirs forgotten: systemd would go on listing the unit."""
    names = tuple(units)
    _systemctl("stop", "--", *names)
    _run(["systemctl", "reset-failed", "--", *names])


def mask_removed(unit: str) -> bool:
    """Unmask ``unit`` and keep it from starting at boot; whether it was masked."""
    if _run(["systemctl", "is-enabled", "--", unit]).stdout.strip() != "masked":
        return False
    _systemctl("unmask", "--quiet", "--", unit)
    _run(["systemctl", "disable", "--quiet", "--", unit])
    return True


def make_users(sysusers: str) -> None:
    """Make the users of a sysusers.d file; those that are there stay as they are."""
    done = _run(["systemd-sysusers", sysusers])
    if done.code != 0:
        raise Unavailable(f"systemd-sysusers refused {sysusers}: {done.said}")


def make_folders(tmpfiles: str) -> None:
    """Make what a tmpfiles.d file asks for, now."""
    done = _run(["systemd-tmpfiles", "--create", tmpfiles])
    if done.code != 0:
        raise Unavailable(f"systemd-tmpfiles refused {tmpfiles}: {done.said}")


def _systemctl(*arguments: str) -> str:
    done = _run(["systemctl", "--no-pager", "--no-ask-password", *arguments])
    if done.code != 0:
        units = " ".join(f"-u {word}" for word in arguments if word.startswith("gridwire-"))
        raise Unavailable(
            f"`systemctl {arguments[0]}` failed: {done.said}",
            fix=f"see why: journalctl -b {units}".strip(),
            code="systemd",
        )
    return done.stdout


def _run(argv: list[str]) -> Completed:
    try:
        return run(argv, timeout=_SECONDS, env={"PATH": os.defpath})
    except Unavailable as error:
        fix = "run `gridwire up`, or Compose" if error.code == "program-missing" else ""
        raise Unavailable(error.what, fix=fix, code="systemd") from None
