"""Certificates are made when they have to be, before nginx is told of them, and never for what is not the grid's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.core.actions import Action
from gridwire.core.certificates import (
    AUTHORITY_LIFE,
    LEAF_LIFE,
    Certificate,
    CertificatesObserved,
    DropLeaves,
    Held,
    IssueLeaf,
    MakeAuthority,
    Source,
    TakeGiven,
    Wanted,
    certificate_findings,
    covers,
    due,
    given_file,
    plan_certificates,
)
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Severity

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WANTED = Wanted(
    suffix=HostName("grid"),
    prefixes=(ip_network("10.85.0.0/16"),),
    addresses=(ip_address("10.85.0.1"),),
    hosts=("*.apps.grid", "api.example.com", "api.grid"),
)
OWN = ("panel.grid", "10.85.0.1")


def certificate(
    *names: str, source: Source = Source.INTERNAL, at: datetime = NOW, life: timedelta = LEAF_LIFE
) -> Certificate:
    return Certificate(
        subject=f"CN={names[0]}",
        issuer="CN=authority",
        names=names,
        not_before=at,
        not_after=at + life,
        fingerprint=f"{abs(hash((names, at))):032x}",
        source=source,
    )


class Disk:
    """The files, in memory; what an action does to them."""

    def __init__(self, seen: CertificatesObserved) -> None:
        self.seen = seen

    def apply(self, action: Action, now: datetime) -> None:
        seen = self.seen
        match action:
            case MakeAuthority(suffix=suffix, prefixes=prefixes):
                names = (str(suffix), *map(str, prefixes))
                made = replace(certificate(*names, at=now, life=AUTHORITY_LIFE), subject="CN=authority", authority=True)
                self.seen = replace(seen, authority=made, authority_pem="pem")
            case IssueLeaf(leaf=leaf):
                assert seen.authority is not None, "issued before there is an authority"
                kept = tuple(one for one in seen.leaves if one.file != leaf.file)
                held = Held(file=leaf.file, certificate=certificate(*leaf.names, at=now))
                self.seen = replace(seen, leaves=(*kept, held))
            case TakeGiven(file=file):
                assert seen.given is not None
                self.seen = replace(seen, leaves=(*seen.leaves, Held(file=file, certificate=seen.given)))
            case DropLeaves(files=files):
                self.seen = replace(seen, leaves=tuple(one for one in seen.leaves if one.file not in files))

    def settle(self, wanted: Wanted = WANTED, now: datetime = NOW) -> dict[str, str]:
        """Apply until there is nothing to do; host → file as nginx is told at the end."""
        for _ in range(3):
            plan = plan_certificates(wanted, Known(self.seen), now)
            assert plan is not None
            assert all(action.reason for action in (*plan.before, *plan.after))
            for action in plan.before:
                self.apply(action, now)
            held = {one.file for one in self.seen.leaves}
            assert {file for _, file in plan.table.files} | {plan.table.default} <= held, "told of what is not there"
            for action in plan.after:
                self.apply(action, now)
            if not plan.before and not plan.after:
                assert plan.table.authority_pem == "pem"
                return dict(plan.table.files)
        raise AssertionError("it does not converge")


def test_a_new_gateway_gets_an_authority_and_a_leaf_for_each_host_of_the_grid() -> None:
    disk = Disk(CertificatesObserved())
    told = disk.settle()
    assert set(told) == {"panel.grid", "10.85.0.1", "api.grid", "*.apps.grid"}  # nothing outside the suffix
    assert told["panel.grid"] == told["10.85.0.1"] != told["api.grid"]
    assert {one.certificate.names for one in disk.seen.leaves} == {OWN, ("api.grid",), ("*.apps.grid",)}


@given(st.integers(0, 4000), st.integers(0, 4000))
def test_at_any_time_what_is_shown_is_valid_for_long_enough_and_is_left_alone_meanwhile(days: int, more: int) -> None:
    disk = Disk(CertificatesObserved())
    disk.settle()
    for day in sorted((days, days + more)):
        now = NOW + timedelta(days=day)
        told = disk.settle(now=now)
        shown = {one.file: one.certificate for one in disk.seen.leaves}
        assert all(shown[file].not_after - now > LEAF_LIFE / 3 for file in told.values())
        assert set(shown) == set(told.values()), "nothing is left behind"
    again = plan_certificates(WANTED, Known(disk.seen), now + timedelta(hours=1))
    assert again is not None
    assert again.before == ()


def test_a_leaf_is_replaced_when_a_third_of_its_life_is_left() -> None:
    leaf = certificate("api.grid")
    assert not due(leaf, NOW + timedelta(days=19, hours=23))
    assert due(leaf, NOW + timedelta(days=20))
    assert due(leaf, NOW - timedelta(days=1)), "a clock that went back"


@pytest.mark.parametrize(
    "other",
    [
        replace(WANTED, suffix=HostName("home.example.com")),
        replace(WANTED, prefixes=(ip_network("10.86.0.0/16"),)),
    ],
)
def test_another_suffix_or_prefix_is_another_authority(other: Wanted) -> None:
    disk = Disk(CertificatesObserved())
    disk.settle()
    plan = plan_certificates(other, Known(disk.seen), NOW)
    assert plan is not None
    assert isinstance(plan.before[0], MakeAuthority)
    disk.settle(other)


def test_what_could_not_be_read_is_not_made_anew() -> None:
    assert plan_certificates(WANTED, Unknown("the disk does not answer"), NOW) is None


def test_a_given_certificate_is_shown_for_its_names_and_the_own_ones_for_the_rest() -> None:
    given = certificate("*.grid", "home.grid", source=Source.GIVEN)
    disk = Disk(CertificatesObserved(given=given))
    told = disk.settle()
    file = given_file(given.fingerprint)
    assert told["*.grid"] == told["home.grid"] == file
    assert "api.grid" not in told
    assert "panel.grid" not in told
    assert told["10.85.0.1"] != file
    newer = certificate("*.grid", source=Source.GIVEN, at=NOW + timedelta(days=1))
    disk.seen = replace(disk.seen, given=newer)
    assert disk.settle()["*.grid"] == given_file(newer.fingerprint)
    disk.seen = replace(disk.seen, given=None, broken="it holds no key")
    assert disk.settle()["*.grid"] == given_file(newer.fingerprint), "the last whole one is served on"
    disk.seen = replace(disk.seen, given=None, broken="")
    assert "*.grid" not in disk.settle(), "taken out of the settings"


@pytest.mark.parametrize(("days", "grave"), [(30, None), (5, Severity.WARNING), (-1, Severity.CRITICAL)])
def test_a_given_certificate_that_ends_is_told_of(days: int, grave: Severity | None) -> None:
    given = certificate("*.grid", source=Source.GIVEN, at=NOW - timedelta(days=90), life=timedelta(days=90 + days))
    found = certificate_findings(CertificatesObserved(given=given), NOW)
    assert [one.severity for one in found] == ([] if grave is None else [grave])


def test_a_broken_certificate_is_told_of() -> None:
    (found,) = certificate_findings(CertificatesObserved(broken="/etc/x holds no key"), NOW)
    assert "/etc/x holds no key" in found.what


@pytest.mark.parametrize(
    ("names", "host", "whether"),
    [
        (("*.grid",), "api.grid", True),
        (("*.grid",), "a.b.grid", False),
        (("*.grid",), "grid", False),
        (("*.grid",), "*.grid", True),
        (("api.grid",), "api.grid", True),
        (("api.grid",), "*.grid", False),
    ],
)
def test_a_wildcard_stands_for_one_label(names: tuple[str, ...], host: str, whether: bool) -> None:
    assert covers(certificate(*names), host) is whether
