"""A program at work on a lab host: it prints ``ready``, looks out until its standard input closes, then prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from gridwire.core.errors import Unavailable
from gridwire.lab.host import Host


class Lookout:
    """A module of the lab's at work, from ``with`` to ``end``; raise Unavailable where it did not get ready."""

    def __init__(self, host: Host, module: str, arguments: Sequence[str]) -> None:
        self._process = host.start([sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            _, said = self._process.communicate()
            raise Unavailable(f"no {module.rpartition('.')[2]} on {host.name}: {said.strip()[-200:]}")

    def __enter__(self) -> Lookout:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def end(self) -> Any:
        """What it saw."""
        said, _ = self._process.communicate("", timeout=30)
        return json.loads(said)
