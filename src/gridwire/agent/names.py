"""The names section: gridwire's block in the hosts file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from gridwire.adapters.files import Reread, read_hosts, write_hosts
from gridwire.core import paths
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError
from gridwire.core.hosts import HostsObserved, WriteNames, parse_hosts, plan_names, render_hosts
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NodeSpec


class NamesSection:
    """``suffix`` as fixed at join: no name outside it is ever written, whatever a spec says."""

    name = "names"

    def __init__(self, suffix: HostName, path: Path = Path(paths.HOSTS)) -> None:
        self._suffix = suffix
        self._path = path
        self._seen = Reread(path, self._read)

    def observe(self) -> Known[HostsObserved | None] | Unknown:
        try:
            return Known(self._seen())
        except GridwireError as error:
            return Unknown(str(error))

    def _read(self) -> HostsObserved | None:
        text = read_hosts(self._path)
        return None if text is None else parse_hosts(text, self._suffix)

    def plan(
        self, spec: NodeSpec, observed: Known[HostsObserved | None] | Unknown, now: datetime
    ) -> tuple[WriteNames, ...]:
        return plan_names(spec.names, observed)

    def apply(self, action: Action) -> None:
        """The file is read again here: what others wrote since it was observed stays."""
        if not isinstance(action, WriteNames):
            raise TypeError(f"{type(action).__name__} is no action of the names section")
        text = read_hosts(self._path) or ""
        write_hosts(self._path, render_hosts(text, action.entries, self._suffix))
