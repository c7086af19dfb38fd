"""The bench sees what it is there to see, a slowdown planted in the matcher among it, and every scenario runs."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gridwire.lab.bench import bridge, idle, mesh, proxy, rounds, start
from gridwire.lab.bench.comparison import Judgement
from gridwire.lab.bench.scenario import Wanted
from gridwire.lab.bench.verdict import verdict
from gridwire.lab.engine import missing

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(300)]

wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: packaging/prerequisites.sh --bench")

needs_lab = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and /dev/net/tun"
)


@wrk
def test_a_planted_slowdown_of_15_percent_is_seen() -> None:
    wanted = Wanted(rounds=15, seconds=1, planted=0.15, sides=("nginx",))
    done = rounds.run(proxy.SCENARIO, wanted, lambda _: None, now=datetime.now(UTC))
    seen = {one.side: one for one in verdict(done).comparisons if one.metric == "cpu_us"}
    slowed = seen["slowed"]
    assert slowed.judgement is Judgement.ABOVE, slowed  # gridwire does better than its slowed copy
    assert 1.05 < slowed.ratio.median < 1.5, slowed  # how much is burnt is as rough as a busy machine's clock


@needs_lab
def test_a_gateway_at_rest_is_measured_whole_and_stays_small() -> None:
    done = rounds.run(idle.SCENARIO, Wanted(rounds=1, seconds=2), lambda _: None, now=datetime.now(UTC))
    figures = {one.metric: one.spread.median for one in verdict(done).figures}
    # Control and agent alone have 100 MB; what is shared with others of this machine's is in the second figure.
    assert 100 < figures["pss_mb"] <= figures["pages_mb"] * 1.05, figures
    assert figures["pages_mb"] <= 220, figures
    assert 0 < figures["cpu_percent"] < 50, figures


@needs_lab
def test_a_start_is_timed_until_a_client_is_answered() -> None:
    done = rounds.run(start.SCENARIO, Wanted(rounds=1, seconds=1), lambda _: None, now=datetime.now(UTC))
    (figure,) = verdict(done).figures
    assert 0.1 < figure.spread.median < 60, figure


@wrk
@needs_lab
def test_every_path_of_the_mesh_answers() -> None:
    done = rounds.run(mesh.SCENARIO, Wanted(rounds=1, seconds=1), lambda _: None, now=datetime.now(UTC))
    for case in done.cases:
        rates = {side.id: side.readings[case.metrics[0]][0] for side in case.sides}
        assert set(rates) == {"grid", "again", "bare", "nginx", "link"}
        assert rates["link"] > rates["bare"] > 0, "encrypting twice costs something"


@wrk
@needs_lab
@pytest.mark.skipif(
    bool(missing()) or not bridge.IMAGE.exists(), reason=f"{missing() or 'no image: `make test-compose` builds it'}"
)
def test_every_way_to_the_containers_answers() -> None:
    done = rounds.run(bridge.SCENARIO, Wanted(rounds=1, seconds=1), lambda _: None, now=datetime.now(UTC))
    near, far = ["host", "again", "dnat", "proxied"], ["host", "again", "dnat"]
    assert {case.id: [side.id for side in case.sides] for case in done.cases} == {
        f"{place}-host-{kind}": sides
        for kind in ("textbook", "kept", "close")
        for place, sides in (("same", near), ("another", far))
    }
    for case in done.cases:
        rates = {side.id: side.readings["rate"][0] for side in case.sides}
        assert rates["host"] > rates.get("proxied", 0) * 1.2, (case.id, rates)
