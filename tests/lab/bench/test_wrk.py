"""wrk's figures, and that a rate of failures is none."""

from __future__ import annotations

import pytest

from gridwire.core.errors import Unavailable
from gridwire.lab.bench.wrk import parsed

SAID = (
    "Running 1s test\n\n"
    'JSON {{"requests":{requests},"microseconds":2000000,"bytes":1000,"failed":{failed},'
    '"p50_us":1500,"p99_us":20000}}\n'
)


def test_figures_are_in_seconds_and_milliseconds() -> None:
    load = parsed(SAID.format(requests=100, failed=0))
    assert (load.rate, load.p50_ms, load.p99_ms, load.received) == (50, 1.5, 20, 1000)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (SAID.format(requests=100, failed=1), "1 of 100 requests"),
        (SAID.format(requests=0, failed=0), "none of the bench's requests"),
        ("unable to connect to 10.85.0.1:80 Connection refused\n", "no figures: unable to connect"),
    ],
)
def test_what_failed_is_no_measurement(said: str, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        parsed(said)
