"""``gridwire bench``: what gridwire costs on this machine, measured beside what it replaces."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gridwire.cli.outcome import DONE, FAILED, UNHEALTHY
from gridwire.cli.output import Format, note, print_table, say, show
from gridwire.cli.root import require_root
from gridwire.core.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from gridwire.lab.bench.scenario import Result

app = App(name="bench", help="Measure gridwire on this machine, beside what it replaces.")


@app.command(name="list")
def list_(*, output: Format = "table") -> None:
    """The scenarios."""
    from gridwire.lab.bench.scenarios import SCENARIOS

    show(
        [{"id": one.id, "title": one.title, "about": one.about} for one in SCENARIOS],
        output,
        lambda: print_table(("SCENARIO", "WHAT"), ((one.id, one.about) for one in SCENARIOS), empty=""),
    )


@app.command
def run(
    *names: str,
    rounds: Annotated[int | None, Parameter(help="How often each side is measured, in turn.")] = None,
    seconds: Annotated[int | None, Parameter(help="How long each side is measured in a round.")] = None,
    sides: Annotated[str | None, Parameter(help="Only these beside gridwire: nginx,haproxy.")] = None,
    planted: Annotated[float, Parameter(help="Measure a copy of gridwire slowed by this share, too: 0.15.")] = 0.0,
    save: Annotated[Path | None, Parameter(help="A directory for the results: NAME.json each.")] = None,
    output: Format = "table",
) -> int:
    """Measure; all scenarios that this machine can where none is named.

    Exit code 1 where a goal is missed, 3 where the noise is too large to tell or a scenario could not be measured.
    """
    from gridwire.lab.bench import results
    from gridwire.lab.bench import rounds as bench_rounds
    from gridwire.lab.bench.report import document
    from gridwire.lab.bench.scenario import Wanted
    from gridwire.lab.bench.scenarios import named

    scenarios = named(names)
    _check(rounds, seconds, planted, save)
    require_root("make network namespaces")
    found: list[Result] = []
    missing: dict[str, str] = {}
    for one in scenarios:
        wanted = Wanted(
            rounds=rounds or one.rounds,
            seconds=seconds or one.seconds,
            planted=planted,
            sides=tuple(sides.split(",")) if sides else (),
        )
        try:
            result = bench_rounds.run(one, wanted, note, now=datetime.now(UTC).replace(microsecond=0))
        except Unavailable as error:
            if names:
                raise
            missing[one.id] = str(error)
            continue
        found.append(result)
        if save is not None:
            results.write(result, save / f"{one.id}.json")
    told = {"results": [document(one) for one in found], "not_measured": missing}
    show(told, output, lambda: _say(found))
    for name, why in missing.items():
        note(f"{name} was not measured: {why}")
    return _code(found, missing)


@app.command
def report(
    *files: Path,
    plot: Annotated[Path | None, Parameter(help="A directory for pictures: NAME.svg each.")] = None,
    markdown: Annotated[bool, Parameter(help="Print Markdown.", negative=())] = False,
    output: Format = "table",
) -> int:
    """Show results that `gridwire bench run --save` kept; exit codes as there."""
    from gridwire.lab.bench import report as bench_report
    from gridwire.lab.bench import results

    if not files:
        raise Invalid("FILES", "there are none", fix="gridwire bench run --save . && gridwire bench report *.json")
    _check_directory("--plot", plot)
    found = [results.read(file) for file in files]
    if markdown:
        say("\n".join(bench_report.markdown(one) for one in found))
    else:
        show([bench_report.document(one) for one in found], output, lambda: _say(found))
    if plot is not None:
        from gridwire.lab.bench.plot import draw

        for one in found:
            draw(one, plot / f"{one.scenario}.svg")
            note(f"drawn: {plot / one.scenario}.svg")
    return _code(found, {})


def _check(rounds: int | None, seconds: int | None, planted: float, save: Path | None) -> None:
    if rounds is not None and not 1 <= rounds <= 1000:
        raise Invalid("--rounds", f"{rounds} is not from 1 to 1000")
    if seconds is not None and not 1 <= seconds <= 600:
        raise Invalid("--seconds", f"{seconds} is not from 1 to 600")
    if not 0 <= planted < 10:
        raise Invalid("--planted", f"{planted} is not from 0 to 10", fix="0.15 is 15 %")
    _check_directory("--save", save)


def _check_directory(field: str, path: Path | None) -> None:
    if path is not None and not path.is_dir():
        raise Invalid(field, f"there is no directory {path}", fix="give one that exists")


def _say(found: list[Result]) -> None:
    from gridwire.lab.bench.report import heading, summary, tables

    for one in found:
        say(f"{one.title}\n{heading(one)}")
        for condition in one.conditions:
            say(f"  {condition}")
        for table in tables(one):
            say(f"\n{table.title}")
            print_table(table.columns, table.rows, empty="")
            if table.note:
                say(table.note)
        say(f"\n{summary(one)}\n")


def _code(found: list[Result], missing: dict[str, str]) -> int:
    from gridwire.lab.bench.verdict import verdict

    verdicts = [verdict(one) for one in found]
    if any(one.missed for one in verdicts):
        return FAILED
    return DONE if all(one.ok for one in verdicts) and not missing else UNHEALTHY
