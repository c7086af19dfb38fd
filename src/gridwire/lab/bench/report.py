"""Results as tables, for a terminal and for Markdown, and as a document for machines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from gridwire.lab.bench.comparison import Judgement, Spread
from gridwire.lab.bench.scenario import METRICS, Goal, Limit, MeasuredCase, Metric, Result
from gridwire.lab.bench.verdict import Comparison, Figure, Standing, Verdict, verdict

_WORDS: Final = {Judgement.ABOVE: "better", Judgement.BELOW: "worse", Judgement.UNTOLD: "no difference told"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(result: Result) -> Iterator[Table]:
    """For each case: what each side gave, what that says against the reference, and the limits."""
    found = verdict(result)
    for case in result.cases:
        yield _figures(case, found)
        if any(one.case == case.id for one in found.comparisons):
            yield _comparisons(case, found)
        limited = [one for one in found.figures if one.case == case.id and one.limit is not None]
        if limited:
            yield _limits(case, limited)


def heading(result: Result) -> str:
    """Where and when, in one line."""
    machine = result.machine
    return (
        f"{result.taken:%Y-%m-%d}, {machine.processor}, {machine.cpus} CPUs, Linux {machine.kernel}, {machine.system},"
        f" {machine.busy:.0%} busy before; {result.rounds} rounds of {result.seconds:g} s a side"
    )


def summary(result: Result) -> str:
    """What came of the goals, in one line."""
    standings = verdict(result).standings
    counted = {standing: standings.count(standing) for standing in Standing}
    said = [f"{counted[Standing.MET]} of {len(standings)} met"]
    if counted[Standing.MISSED]:
        said.append(f"{counted[Standing.MISSED]} missed")
    if counted[Standing.UNTOLD]:
        said.append(f"{counted[Standing.UNTOLD]} nearer to their goal than the noise, so not told")
    return "goals: " + (", ".join(said) if standings else "none")


def markdown(result: Result) -> str:
    """A section of docs/reference/benchmarks.md."""
    lines = [f"{heading(result)}.", "", f"Programs: {', '.join(f'{n} {v}' for n, v in result.programs.items())}."]
    lines += ["", *(f"- {one}" for one in result.conditions)]
    for table in tables(result):
        lines += ["", f"**{table.title}**", "", _line(table.columns), _line(["---"] * len(table.columns))]
        lines += [_line(row) for row in table.rows]
        if table.note:
            lines += ["", table.note]
    return "\n".join([*lines, "", f"{summary(result)}.", ""])


def document(result: Result) -> dict[str, object]:
    """The result with what follows from it; what reads a result back takes no notice of the latter."""
    found = verdict(result)
    return {
        **asdict(result),
        "ok": found.ok,
        "noise": found.floors,
        "figures": [asdict(one) for one in found.figures],
        "comparisons": [asdict(one) for one in found.comparisons],
    }


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figures(case: MeasuredCase, found: Verdict) -> Table:
    metrics = [METRICS[metric] for metric in case.metrics]
    spreads = {(one.side, one.metric): one.spread for one in found.figures if one.case == case.id}
    rows = [
        (side.title, *(_spread(spreads.get((side.id, metric.id)), metric) for metric in metrics)) for side in case.sides
    ]
    floors = found.floors[case.id]
    if floors:
        told = (f"{floors[metric.id]:.1%}" if metric.id in floors else "" for metric in metrics)
        rows.append(("noise floor", *told))
    return Table(
        title=f"{case.title}: median (minimum to maximum)",
        columns=("", *(f"{metric.title}, {metric.unit}" for metric in metrics)),
        rows=tuple(rows),
        note=case.note,
    )


def _comparisons(case: MeasuredCase, found: Verdict) -> Table:
    reference = case.side(case.reference).title
    mine = [one for one in found.comparisons if one.case == case.id]
    goals = any(one.goal is not None for one in mine)
    rows = []
    for side in case.others:
        for one in (each for each in mine if each.side == side.id):
            row = (side.title, METRICS[one.metric].title, _ratio(one), _judged(one))
            rows.append((*row, _goal(one.goal, one)) if goals else row)
    return Table(
        title=f"{case.title}: {reference} against the others, above 1 is better",
        columns=("against", "in", "ratio", "so it is", *(("goal",) if goals else ())),
        rows=tuple(rows),
    )


def _limits(case: MeasuredCase, limited: Sequence[Figure]) -> Table:
    rows = []
    for one in limited:
        assert one.limit is not None
        metric = METRICS[one.metric]
        rows.append((metric.title, _spread(one.spread, metric), _limit(one.limit, metric, one)))
    return Table(title=f"{case.title}: limits", columns=("", "found", "at most"), rows=tuple(rows))


def _spread(found: Spread | None, metric: Metric) -> str:
    if found is None:
        return ""
    median, low, high = (f"{each:,.{metric.digits}f}" for each in (found.median, found.minimum, found.maximum))
    return f"{median} ({low} to {high})"


def _ratio(one: Comparison) -> str:
    return f"{one.ratio.median:.2f} ({one.ratio.low:.2f} to {one.ratio.high:.2f})"


def _judged(one: Comparison) -> str:
    return f"{_WORDS[one.judgement]}, noise {one.noise:.1%}"


def _goal(goal: Goal | None, one: Comparison) -> str:
    if goal is None:
        return ""
    said = f"≥ {goal.least:g}: {one.standing}"
    if goal.wanted is not None:
        said += f"; {goal.wanted:g} wanted: {'met' if one.ratio.median >= goal.wanted else 'not met'}"
    return said


def _limit(limit: Limit, metric: Metric, one: Figure) -> str:
    said = f"{limit.most:g} {metric.unit}: {one.standing}"
    if limit.wanted is not None:
        said += f"; {limit.wanted:g} wanted: {'met' if one.spread.median <= limit.wanted else 'not met'}"
    return said
