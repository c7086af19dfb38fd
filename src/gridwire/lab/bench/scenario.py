"""The words of the bench: scenarios have cases, cases have sides, sides are measured in turn, round by round.

A scenario that joins later is one entry in ``scenarios``: a function that prepares what is measured and takes it away
again, and gives cases. How rounds alternate, what counts as a difference, and how it is shown is not its concern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gridwire.lab.bench.comparison import Better

Reading = Mapping[str, float]
"""What one round of one side gave: a figure for each metric's id, or for some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    id: str
    title: str
    unit: str
    better: Better
    digits: int = 1


METRICS: Final[Mapping[str, Metric]] = {
    metric.id: metric
    for metric in (
        Metric(id="cpu_us", title="CPU per request", unit="µs", better=Better.LESS),
        Metric(id="rate", title="requests", unit="1/s", better=Better.MORE, digits=0),
        Metric(id="p50_ms", title="half answered within", unit="ms", better=Better.LESS, digits=2),
        Metric(id="p99_ms", title="99 % answered within", unit="ms", better=Better.LESS, digits=2),
        Metric(id="mbit", title="throughput", unit="Mbit/s", better=Better.MORE, digits=0),
        Metric(id="cpu_ms_mb", title="CPU per megabyte", unit="ms", better=Better.LESS, digits=2),
        Metric(id="serving_s", title="from start to the first routed request", unit="s", better=Better.LESS, digits=2),
        Metric(id="pss_mb", title="memory (PSS) of all processes", unit="MB", better=Better.LESS),
        Metric(id="pages_mb", title="memory, every page once", unit="MB", better=Better.LESS),
        Metric(id="cpu_percent", title="CPU of all processes", unit="% of a core", better=Better.LESS, digits=2),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of those that are compared. ``measure`` takes ``seconds`` of load and gives a reading."""

    id: str
    title: str
    measure: Callable[[float], Reading] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The reference does at least ``least`` times as well as ``side``; ``wanted``: what would be better still."""

    side: str
    metric: str
    least: float
    wanted: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A figure of the reference alone: at most ``most`` in its metric's unit; ``wanted``: better still."""

    metric: str
    most: float
    wanted: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Sides that are measured in turn.

    ``reference``: whose ratios are shown. ``again``: the same program a second time, by which the noise floor is
    known; none where only limits are asked. ``metrics``: their ids, what matters first. ``note``: what a reader has
    to know to judge the figures.
    """

    id: str
    title: str
    sides: tuple[Side, ...]
    reference: str
    again: str | None
    metrics: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    limits: tuple[Limit, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What stands and can be measured. ``programs``: versions by name; ``conditions``: said beside the figures."""

    cases: tuple[Case, ...]
    programs: Mapping[str, str]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``seconds`` of load for each side in each round. ``planted``: slow a copy of ours down by this share, where
    the scenario can. ``sides``: only these, beside the reference; all where empty."""

    rounds: int
    seconds: float
    planted: float = 0.0
    sides: tuple[str, ...] = ()

    def wants(self, side: str) -> bool:
        return not self.sides or side in self.sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``prepare`` raises Unavailable, with what is missing, where this machine cannot measure it."""

    id: str
    title: str
    about: str
    rounds: int
    seconds: float
    prepare: Callable[[Wanted, Callable[[str], None]], AbstractContextManager[Prepared]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSide:
    """``readings``: for each metric, its figure in every round."""

    id: str
    title: str
    readings: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCase:
    id: str
    title: str
    reference: str
    again: str | None
    metrics: tuple[str, ...]
    sides: tuple[MeasuredSide, ...]
    goals: tuple[Goal, ...]
    limits: tuple[Limit, ...]
    note: str

    def side(self, name: str) -> MeasuredSide:
        return next(side for side in self.sides if side.id == name)

    @property
    def others(self) -> Iterator[MeasuredSide]:
        """All that the reference is compared with."""
        return (side for side in self.sides if side.id not in (self.reference, self.again))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """``busy``: the share of the CPUs that was in use just before, by whatever else runs here."""

    processor: str
    cpus: int
    memory_mb: int
    kernel: str
    system: str
    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of a scenario, as it is kept in a file: every figure of every round, so that all else follows from it."""

    scenario: str
    title: str
    taken: datetime
    machine: Machine
    programs: dict[str, str]
    conditions: tuple[str, ...]
    rounds: int
    seconds: float
    planted: float
    cases: tuple[MeasuredCase, ...]
