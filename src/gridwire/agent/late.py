"""A section whose program or device may come later than the agent: unknown until then, and never waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gridwire.agent.section import CuttingSection, Observed
from gridwire.core.actions import Action
from gridwire.core.errors import Unavailable
from gridwire.core.observed import Unknown
from gridwire.core.spec import NodeSpec


class LateSection:
    """``make`` builds the section, or raises Unavailable and is asked again at the next observation."""

    def __init__(self, name: str, make: Callable[[], CuttingSection]) -> None:
        self.name = name
        self._make = make
        self._section: CuttingSection | None = None

    def observe(self) -> Observed:
        if self._section is None:
            try:
                self._section = self._make()
            except Unavailable as error:
                return Unknown(str(error))
        return self._section.observe()

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        return () if self._section is None else self._section.plan(spec, observed, now)

    def plan_cuts(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        return () if self._section is None else self._section.plan_cuts(spec, observed, now)

    def apply(self, action: Action) -> None:
        if self._section is None:
            raise Unavailable(f"{self.name} is not there yet")
        self._section.apply(action)
