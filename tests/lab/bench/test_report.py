"""What a reader is shown, and that a kept result says the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gridwire.core.errors import Invalid
from gridwire.lab.bench import results
from gridwire.lab.bench.plot import draw
from gridwire.lab.bench.report import document, markdown
from gridwire.lab.bench.scenario import Goal, Result

Make = Callable[..., Result]


@pytest.fixture
def result(made: Make) -> Result:
    return made(goals=(Goal(side="slow", metric="cpu_us", least=1.1, wanted=1.3),))


def test_a_report_names_minimum_median_maximum_noise_ratio_and_goal(result: Result) -> None:
    said = markdown(result)
    for expected in (
        "| Gridwire | 10.0 (10.0 to 10.0) |",
        "| noise floor | 1.0% |",
        "| Slow | CPU per request | 1.25 (1.25 to 1.25) | better, noise 1.0% | ≥ 1.1: met; 1.3 wanted: not met |",
        "11 µs: met; 9 wanted: not met",
        "2026-11-25, Some CPU, 2 CPUs",
        "goals: 2 of 2 met",
    ):
        assert expected in said


def test_what_was_kept_is_read_back_whole(result: Result, tmp_path: Path) -> None:
    file = tmp_path / "proxy.json"
    results.write(result, file)
    assert results.read(file) == result
    kept = json.loads(file.read_text())
    assert kept["ok"] is True
    assert kept["comparisons"][0]["standing"] == "met"
    assert document(results.read(file)) == document(result)


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    with pytest.raises(Invalid, match="cannot be read"):
        results.read(file)
    file.write_text('{"scenario": "proxy"}')
    with pytest.raises(Invalid, match="no result of a bench: title"):
        results.read(file)


def test_the_picture_is_svg_with_its_words_as_text_and_the_same_each_time(result: Result, tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    draw(result, first)
    draw(result, second)
    words = " ".join(text for text in ElementTree.parse(first).getroot().itertext() if text.strip())
    for expected in ("Slow", "1.25 met", "noise floor 1.0%", "10.0", "less is better"):
        assert expected in words
    assert first.read_bytes() == second.read_bytes()
