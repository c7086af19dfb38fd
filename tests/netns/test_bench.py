"""The bench sees what it is there to see: a slowdown planted in the matcher."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from gridwire.lab.bench import proxy, rounds
from gridwire.lab.bench.comparison import Judgement
from gridwire.lab.bench.scenario import Wanted
from gridwire.lab.bench.verdict import verdict

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(300)]

wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: packaging/prerequisites.sh --bench")


@wrk
def test_a_planted_slowdown_of_15_percent_is_seen() -> None:
    wanted = Wanted(rounds=15, seconds=1, planted=0.15, sides=("nginx",))
    done = rounds.run(proxy.SCENARIO, wanted, lambda _: None, now=datetime.now(UTC))
    seen = {one.side: one for one in verdict(done).comparisons if one.metric == "cpu_us"}
    slowed = seen["slowed"]
    assert slowed.judgement is Judgement.ABOVE, slowed  # gridwire does better than its slowed copy
    assert 1.08 < slowed.ratio.median < 1.25, slowed
