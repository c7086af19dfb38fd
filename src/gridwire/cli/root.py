"""Commands that change the host need root; they say so before they begin."""

from __future__ import annotations

import os

from gridwire.core.errors import NotPermitted


def require_root(why: str) -> None:
    """Raise NotPermitted where the caller is not root."""
    if os.geteuid() != 0:
        raise NotPermitted(f"only root may {why}", fix="run the same command with sudo")
