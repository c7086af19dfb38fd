"""When an alert opens and ends: hysteresis, flapping, silence, and what cannot be seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.alerts import FLAPS, RULES, AlertKind, Held, Key, Notice, Symptom, Turn, Window, muted_by, step
from gridwire.core.errors import Invalid
from gridwire.core.notifications import Mail, Ntfy, Webhook, refused

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
KEY = Key(AlertKind.NODE_DOWN, "e1")
DOWN = Symptom(key=KEY, what="its tunnel is down", of=frozenset({"node:e1", "tag:site=a"}))
RULE = RULES[AlertKind.NODE_DOWN]


class Look:
    """Looks at one node every ``every`` seconds; ``told``: (second, turn), of what was not silent."""

    def __init__(self, *windows: Window) -> None:
        self.held: dict[Key, Held] = {}
        self.now = BEGIN
        self.windows = windows
        self.told: list[tuple[int, Turn]] = []
        self.all: list[Notice] = []

    def see(self, *, bad: bool, seconds: int = 0, every: int = 5, unknown: bool = False) -> Look:
        until = self.now + timedelta(seconds=seconds)
        while True:
            seen = {KEY: DOWN} if bad else {}
            muted = muted_by(self.windows, self.now)
            self.held, notices = step(self.held, seen, self.now, unknown=lambda _: unknown, muted=muted)
            self.all += notices
            self.told += [(int((self.now - BEGIN).total_seconds()), n.turn) for n in notices if not n.silent]
            if self.now >= until:
                return self
            self.now += timedelta(seconds=every)


def turns(look: Look) -> list[Turn]:
    return [turn for _, turn in look.told]


def test_a_short_fault_is_not_told() -> None:
    look = Look().see(bad=True, seconds=25).see(bad=False, seconds=120)
    assert look.told == []
    assert look.held == {}


def test_a_lasting_one_is_told_once_and_its_end_once() -> None:
    look = Look().see(bad=True, seconds=600).see(bad=False, seconds=600)
    assert look.told == [(30, Turn.OPENED), (630, Turn.CLEARED)]


def test_what_cannot_be_seen_neither_ends_nor_begins() -> None:
    look = Look().see(bad=True, seconds=60).see(bad=False, seconds=3600, unknown=True)
    assert turns(look) == [Turn.OPENED]
    assert turns(look.see(bad=False, seconds=60)) == [Turn.OPENED, Turn.CLEARED]


def test_what_flaps_is_told_less_and_ends_when_it_rests() -> None:
    look = Look()
    for _ in range(20):
        look.see(bad=True, seconds=40).see(bad=False, seconds=40)
    assert turns(look) == [Turn.OPENED, Turn.CLEARED] * (FLAPS - 1) + [Turn.OPENED]
    assert look.held[KEY].flaps
    look.see(bad=False, seconds=900)
    assert turns(look)[-1] is Turn.CLEARED
    look.see(bad=False, seconds=4000)
    assert look.held == {}


def test_maintenance_is_silent_and_what_is_left_is_told_at_its_end() -> None:
    window = Window(of="tag:site=a", begins=BEGIN, ends=BEGIN + timedelta(minutes=10))
    look = Look(window).see(bad=True, seconds=590)
    assert look.told == []
    assert [notice.turn for notice in look.all] == [Turn.OPENED]
    assert look.see(bad=True, seconds=60).told == [(600, Turn.OPENED)]


def test_what_is_over_within_maintenance_is_never_told() -> None:
    window = Window(of="node:e1", begins=BEGIN, ends=BEGIN + timedelta(minutes=10))
    assert Look(window).see(bad=True, seconds=300).see(bad=False, seconds=1200).told == []


@pytest.mark.parametrize("of", ["node:e2", "tag:site=b", "route:e1"])
def test_a_window_covers_its_own_alone(of: str) -> None:
    window = Window(of=of, begins=BEGIN, ends=BEGIN + timedelta(hours=1))
    assert turns(Look(window).see(bad=True, seconds=60)) == [Turn.OPENED]


@given(st.lists(st.tuples(st.booleans(), st.integers(min_value=1, max_value=400), st.booleans()), max_size=30))
def test_opened_and_cleared_alternate_and_never_come_too_soon(spans: list[tuple[bool, int, bool]]) -> None:
    look = Look()
    for bad, seconds, unknown in spans:
        look.see(bad=bad, seconds=seconds, unknown=unknown)
    found = turns(look)
    assert found == [(Turn.OPENED, Turn.CLEARED)[at % 2] for at in range(len(found))]
    for (before, _), (after, _) in zip(look.told, look.told[1:], strict=False):
        assert after - before >= min(RULE.after, RULE.quiet).total_seconds()


@pytest.mark.parametrize("of", ["", "node:", "e1", "role:edge", "node:a\n"])
def test_a_window_names_what_it_covers(of: str) -> None:
    with pytest.raises(Invalid):
        Window(of=of, begins=BEGIN, ends=BEGIN + timedelta(hours=1))
    with pytest.raises(Invalid):
        Window(of="all", begins=BEGIN, ends=BEGIN)


MESH = (ip_network("10.85.0.0/16"), ip_network("fd85::/64"))


def _all(*addresses: str) -> Iterable[str]:
    return addresses


@pytest.mark.parametrize(
    "address",
    _all(
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        *("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"),
        *("224.0.0.1", "ff02::1", "255.255.255.255", "10.85.0.1", "10.85.255.1", "::ffff:10.85.0.1", "fd85::1"),
    ),
)
def test_no_notice_goes_there(address: str) -> None:
    assert refused(ip_address(address), MESH)


@pytest.mark.parametrize("address", ["192.168.1.5", "10.0.0.5", "93.184.216.34", "2606:2800:220:1::1", "fd12::5"])
def test_notices_go_to_the_internet_and_to_the_lan(address: str) -> None:
    assert refused(ip_address(address), MESH) == ""


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a.example/", "https://", "https://user:secret@a.example/", "https://a b/", "file:///etc/passwd"),
        *("https://a.example:99999/", "https://a.example:0/", "https://[::1/", "//a.example", "https://a_b.example/\n"),
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        Webhook(url=url)


def test_nothing_secret_is_told_of_a_destination() -> None:
    secret = "s3cret"
    for to in (
        Webhook(url=f"https://hooks.example.com/{secret}?key={secret}", key=secret),
        Ntfy(topic=secret, token=secret),
        Mail(host="m.example", user="u", password=secret, sender="a@b.example", to=("c@d.example",)),
    ):
        assert secret not in to.told() + repr(to)
    with pytest.raises(Invalid):
        Mail(host="m.example", security="none", user="u", password=secret, sender="a@b.example", to=("c@d.example",))
    with pytest.raises(Invalid):
        Mail(host="m.example", sender="a@b.example\nBcc: x@y.example", to=("c@d.example",))
