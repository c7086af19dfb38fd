"""A section that listens on addresses which somebody else gives to this host and takes from it again.

nginx would stay bound to an address that is gone (ip_nonlocal_bind), and answer on it when it comes back to another
node. So while an address is away, nothing is wanted on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from gridwire.agent.section import Observed, Section
from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.proxy import on_held
from gridwire.core.spec import NodeSpec


class HeldSection:
    """``held``: the addresses that this host has now."""

    def __init__(self, section: Section, held: Callable[[], tuple[Address, ...]]) -> None:
        self.name = section.name
        self._section = section
        self._held = held

    def observe(self) -> Observed:
        return self._section.observe()

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        return self._section.plan(replace(spec, proxy=on_held(spec.proxy, self._held())), observed, now)

    def apply(self, action: Action) -> None:
        self._section.apply(action)
