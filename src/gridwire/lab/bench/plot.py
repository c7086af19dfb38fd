"""A result as one SVG: to the left what was measured, to the right what it says, with the noise as a band."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridwire.core.errors import Unavailable
from gridwire.lab.bench.report import heading, summary
from gridwire.lab.bench.scenario import METRICS, MeasuredCase, Result
from gridwire.lab.bench.verdict import Comparison, Standing, Verdict, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OURS, _THEIRS, _INK, _SOFT, _BAND = "#12744a", "#8a97a5", "#16202a", "#5b6875", "#e4e9ee"
_COLOURS: Final = {Standing.MET: "#12744a", Standing.MISSED: "#c0262d", Standing.UNTOLD: "#b7791f", None: _INK}
_ROW_INCHES, _FRAME_INCHES, _WIDTH_INCHES = 0.34, 1.35, 11.0


def draw(result: Result, file: Path) -> None:
    """Raise Unavailable where matplotlib is not installed."""
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise Unavailable("matplotlib is not installed", fix="pip install 'gridwire[bench]'") from None
    found = verdict(result)
    heights = [len(case.sides) * _ROW_INCHES + _FRAME_INCHES for case in result.cases]
    # Text stays text, and the same result gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gridwire", "font.size": 9}):
        figure = Figure(figsize=(_WIDTH_INCHES, sum(heights) + 0.9), layout="constrained")
        FigureCanvasSVG(figure)
        figure.suptitle(f"{result.title}\n{heading(result)}\n{summary(result)}", fontsize=9, color=_INK)
        grid = figure.subplots(
            len(heights), 2, squeeze=False, gridspec_kw={"height_ratios": heights, "width_ratios": [1.15, 1]}
        )
        for case, (left, right) in zip(result.cases, grid, strict=True):
            _bars(left, case)
            ratios = [one for one in found.comparisons if one.case == case.id and one.metric == case.metrics[0]]
            _ratios(right, case, ratios, found) if ratios else right.set_axis_off()
        figure.savefig(file, format="svg", metadata={"Date": None, "Title": result.title})


def _bars(axes: Axes, case: MeasuredCase) -> None:
    """The median of the case's first metric for each side, and every round as a dot."""
    metric = METRICS[case.metrics[0]]
    shown = [side for side in case.sides if metric.id in side.readings]
    for place, side in enumerate(shown):
        readings = sorted(side.readings[metric.id])
        median = statistics.median(readings)
        ours = side.id in (case.reference, case.again)
        axes.barh(place, median, height=0.62, color=_OURS if ours else _THEIRS, alpha=0.85)
        axes.plot(readings, [place] * len(readings), "o", markersize=2.4, color=_INK, alpha=0.45)
        axes.annotate(
            f"{median:,.{metric.digits}f}",
            (readings[-1], place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
        )
    axes.margins(x=0.14)
    axes.set_xlim(left=0)
    _rows(axes, [side.title for side in shown])
    axes.set_title(f"{case.title}\n{metric.title}, {metric.unit}: {metric.better} is better", fontsize=9, loc="left")


def _ratios(axes: Axes, case: MeasuredCase, ratios: Sequence[Comparison], found: Verdict) -> None:
    """The reference against each other side; goals as open triangles, the noise floor as a band around 1."""
    floor = found.floors[case.id][case.metrics[0]]
    axes.axvspan(1 / (1 + floor), 1 + floor, color=_BAND)
    axes.axvline(1, color=_SOFT, linewidth=1)
    for place, one in enumerate(ratios):
        colour = _COLOURS[one.standing]
        axes.plot([one.ratio.low, one.ratio.high], [place, place], color=colour, linewidth=3, alpha=0.45)
        axes.plot([one.ratio.median], [place], "o", color=colour, markersize=5)
        axes.annotate(
            _said(one), (one.ratio.median, place), xytext=(0, 5), textcoords="offset points", ha="center", color=colour
        )
        if one.goal is not None:
            axes.plot([one.goal.least], [place], marker=9, color=colour, markersize=6)  # 9: a caret to the right
    axes.set_xscale("log")
    ends = [value for one in ratios for value in (one.ratio.low, one.ratio.high, one.goal.least if one.goal else 1)]
    low, high = min([*ends, 1 / (1 + floor)]), max([*ends, 1 + floor])
    axes.set_xlim(low / 1.25, high * 1.25)
    ticks = [tick for tick in (0.25, 0.5, 0.8, 1, 1.5, 2, 3, 4, 6, 10, 20) if low / 1.25 <= tick <= high * 1.25]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
    _rows(axes, [case.side(one.side).title for one in ratios])
    title = f"{case.side(case.reference).title} does so many times as well (caret: goal)\nband: noise floor {floor:.1%}"
    axes.set_title(title, fontsize=9, loc="left")


def _said(one: Comparison) -> str:
    return f"{one.ratio.median:.2f}" + (f" {one.standing}" if one.standing is not None else "")


def _rows(axes: Any, titles: Sequence[str]) -> None:
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.4, -0.7)
    axes.spines[["top", "right"]].set_visible(False)
