"""By which interface this host is joined, read without the rest of its state: pydantic and netlink's library take
0.25 s to load, half of what a tunnel may be away when its process dies."""

from __future__ import annotations

import json
from pathlib import Path

from gridwire.core.errors import Invalid
from gridwire.core.names import Interface, interface_name


def joined_interface(agent_state: str) -> Interface | None:
    """None before the node joined; raise Invalid for a damaged file."""
    path = Path(agent_state) / "joined.json"
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Invalid(str(path), str(error), fix="restore it, or join again") from None
    name = document.get("interface") if isinstance(document, dict) else None
    if not isinstance(name, str):
        raise Invalid(str(path), "it names no interface", fix="restore it, or join again")
    return interface_name(name, str(path))
