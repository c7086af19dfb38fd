"""A section that cuts, for two threads: one may be held up elsewhere while it makes the host what a spec says, and the
other cuts off whom a newer spec revokes."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from gridwire.agent.section import CuttingSection, Observed, observed_of
from gridwire.core.actions import Action
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.tombstones import also_without


class SharedSection:
    """The section itself, one call at a time; no spec lets in whom ``revoke`` cut off."""

    def __init__(self, section: CuttingSection) -> None:
        self.name = section.name
        self._section = section
        self._lock = threading.Lock()
        self._spec: NodeSpec | None = None
        self._revoked: tuple[Tombstone, ...] = ()

    def observe(self) -> Observed:
        with self._lock:
            return self._section.observe()

    def plan(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        with self._lock:
            return self._section.plan(also_without(spec, self._revoked), observed, now)

    def plan_cuts(self, spec: NodeSpec, observed: Any, now: datetime) -> tuple[Action, ...]:
        with self._lock:
            self._spec = spec
            return self._section.plan_cuts(also_without(spec, self._revoked), observed, now)

    def apply(self, action: Action) -> None:
        with self._lock:
            self._section.apply(action)

    def revoke(self, tombstones: tuple[Tombstone, ...], now: datetime) -> tuple[str, ...]:
        """Cut these nodes off, and give the reasons of what was done. What fails is done, and told, with the spec."""
        done: list[str] = []
        with self._lock:
            self._revoked = tombstones
            if self._spec is None:
                return ()
            spec = also_without(self._spec, tombstones)
            try:
                for cut in self._section.plan_cuts(spec, observed_of(self._section), now):
                    self._section.apply(cut)
                    done.append(f"{self.name}: {cut.reason}")
            except Exception:  # noqa: BLE001  # told with the spec, which is applied next
                return tuple(done)
        return tuple(done)
