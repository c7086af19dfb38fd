"""Versions and limits of the running system."""

from __future__ import annotations

import platform
import resource


def kernel() -> str:
    return platform.release()


def distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def python() -> str:
    return platform.python_version()


def open_files() -> int:
    """The most that a process of ours may raise its limit to; a very large number where there is none."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 31 if hard == resource.RLIM_INFINITY else hard
