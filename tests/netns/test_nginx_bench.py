"""The bench sees what it is there to see: a slowdown planted in the matcher."""

from __future__ import annotations

import pytest

from gridwire.lab.bench_proxy import run_bench

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_planted_slowdown_shows_in_the_ratio() -> None:
    plain = run_bench(rounds=21, requests=4000)
    slowed = run_bench(rounds=21, requests=4000, planted=0.15)
    assert slowed.ratio < plain.ratio * 0.94, (plain, slowed)
