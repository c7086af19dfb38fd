"""What was loaded into the kernel, and how the kernel read it back: by this an altered table is told.

It lies under /run and so lives exactly as long as what it speaks of.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gridwire.adapters.files import read_bytes, write_atomic
from gridwire.adapters.netfilter import Listing
from gridwire.core.guard import GuardSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardMemory:
    """``rendered``: SHA-256 of the transaction, so that another version of gridwire loads its own table.

    ``listing``: the table in canonical form as read back right after it was loaded. ``sysctls``: kernel settings
    as they were before gridwire raised them.
    """

    spec: GuardSpec | None = None
    rendered: str = ""
    listing: Listing = field(default_factory=list)
    sysctls: dict[str, int] = field(default_factory=dict)


_ADAPTER = TypeAdapter(GuardMemory)


def recall(path: Path) -> GuardMemory:
    """An empty memory where there is none or it is damaged: the table is loaded again then."""
    content = read_bytes(path)
    if content is None:
        return GuardMemory()
    try:
        return _ADAPTER.validate_json(content)
    except ValidationError:
        return GuardMemory()


def remember(path: Path, memory: GuardMemory) -> None:
    """Raise GridwireError where it cannot be written."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_atomic(path, _ADAPTER.dump_json(memory))


def digest(transaction: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(transaction, sort_keys=True).encode()).hexdigest()
