"""What control answers to an agent's report."""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.protocol.audit import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """``audit``: where its audit chain ends, for the agent of its own host alone, which
    follows the chain: so it need not ask while nothing is added."""

    audit: Head | None = None
