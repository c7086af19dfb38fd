"""A load client at work on a lab host, and what its report means beside the edges' databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gridwire.core.errors import Unavailable
from gridwire.lab import records
from gridwire.lab.host import CommandFailed, Host
from gridwire.lab.load import Plan, Report


class RunningLoad:
    """``finish`` stops it and gives its report; a load never runs longer than its plan's ``seconds``."""

    def __init__(self, host: Host, plan: Plan) -> None:
        self.plan = plan
        self._host = host
        self._argv = [sys.executable, "-m", "gridwire.lab.load", *_options(plan), "--heed-stdin"]
        self._process = host.start(self._argv, stdin=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "started":
            _, said = self._process.communicate()
            raise CommandFailed(host.name, self._argv, self._process.returncode, said)

    def wait(self) -> Report:
        """The report once the plan's time is over."""
        return self._report(close=False)

    def finish(self) -> Report:
        """Stop sending, let what is in flight end, and report."""
        return self._report(close=True)

    def abandon(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _report(self, *, close: bool) -> Report:
        assert self._process.stdin is not None
        if not close:
            assert self._process.stdout is not None
            said = self._process.stdout.read()
            _, errors = self._process.communicate()
        else:
            said, errors = self._process.communicate("", timeout=60)
        if self._process.returncode != 0:
            raise CommandFailed(self._host.name, self._argv, self._process.returncode, errors)
        try:
            raw = json.loads(said.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise Unavailable(f"the load client on {self._host.name} said {said[:80]!r}") from None
        return Report(**raw)


def _options(plan: Plan) -> list[str]:
    found = ["--to", f"{plan.address}:{plan.port}"]
    for field in fields(plan):
        value = getattr(plan, field.name)
        if field.name not in ("address", "port") and value is not None:
            found += [f"--{field.name.replace('_', '-')}", str(value)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Records of one load: acknowledged to the client, against what edges stored.

    ``missing``: acknowledged and on no edge. ``doubled``: stored more than once, on one edge or on several.
    ``unasked``: stored though the client was told no, or nothing; a POST that broke after it was committed.
    """

    acknowledged: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    unasked: int


def account(report: Report, stored: Iterable[Mapping[str, int]]) -> Account:
    """``stored``: for each edge, how often each record arrived there."""
    totals: dict[str, int] = {}
    for edge in stored:
        for name, times in edge.items():
            totals[name] = totals.get(name, 0) + times
    mine = [*report.acknowledged, *report.unacknowledged]
    return Account(
        acknowledged=len(report.acknowledged),
        missing=tuple(name for name in report.acknowledged if name not in totals),
        doubled=tuple(name for name in mine if totals.get(name, 0) > 1),
        unasked=sum(1 for name in report.unacknowledged if name in totals),
    )


def stored(host: Host, database: str = records.DATABASE) -> dict[str, int]:
    """How often each record arrived on an edge, as its own database says."""
    script = str(Path(records.__file__).resolve())
    found: dict[str, int] = json.loads(host.run([sys.executable, "-I", "-S", script, database]).stdout)
    return found
