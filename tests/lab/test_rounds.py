"""What a stack goes through, and what counts as a crash."""

from __future__ import annotations

from collections import Counter

from gridwire.lab.resolver import answer
from gridwire.lab.rounds import rounds


def test_rounds_are_the_same_each_time_and_of_every_kind() -> None:
    services = ("a", "b", "c")
    found = rounds(services, 20)
    assert found == rounds(services, 20)
    assert sorted(Counter(one.kind for one in found).values()) == [6, 7, 7]
    assert {tuple(sorted(one.order)) for one in found} == {services}
    ups = Counter(one.order for one in rounds(("a", "b"), 20) if one.kind == "up")
    assert sorted(ups.values()) in ([3, 3], [3, 4])


def test_a_name_that_nobody_has_is_answered_at_once() -> None:
    query = bytes.fromhex("beef0100000100000000000007") + b"backend\x00\x00\x01\x00\x01"
    said = answer(query)
    assert said[:2] == query[:2]
    assert said[3] & 0x0F == 3  # NXDOMAIN
    assert said[4:12] == bytes([0, 1, 0, 0, 0, 0, 0, 0])
    assert said[12:] == query[12:]
