"""systemd: what its units are doing, and telling it to do otherwise; the unit templates that gridwire brings."""

from gridwire.adapters.systemd.systemctl import (
    UnitState,
    booted,
    daemon_reload,
    disable,
    enable,
    make_folders,
    make_users,
    mask_removed,
    restart,
    start,
    states,
    stop,
)
from gridwire.adapters.systemd.templates import template

__all__ = [
    "UnitState",
    "booted",
    "daemon_reload",
    "disable",
    "enable",
    "make_folders",
    "make_users",
    "mask_removed",
    "restart",
    "start",
    "states",
    "stop",
    "template",
]
