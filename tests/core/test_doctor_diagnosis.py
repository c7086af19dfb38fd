"""The verdict: yes, no or unknown, and that what was not seen is never well."""

from __future__ import annotations

import pytest

from gridwire.core.doctor.diagnosis import Fit, Unseen, diagnose
from gridwire.core.doctor.kinds import KINDS, found
from gridwire.core.perimeter import Severity

SLOW, SSH, TENANTS = (found(id_, id_) for id_ in ("wireguard-slow", "wildcard-expected", "tenants"))


def test_nothing_found_and_all_seen_is_well_and_fits() -> None:
    told = diagnose("", (), (), ())
    assert told.well
    assert told.verdict.fit is Fit.YES


def test_information_alone_is_well() -> None:
    assert diagnose("", (), (SSH,), ()).well


def test_a_finding_is_not_well_and_may_fit_all_the_same() -> None:
    told = diagnose("", (), (SLOW,), ())
    assert not told.well
    assert told.verdict.fit is Fit.YES


def test_what_was_not_seen_is_never_well() -> None:
    told = diagnose("", (), (), (Unseen(name="other firewalls", reason="only root"),))
    assert not told.well
    assert told.verdict.fit is Fit.YES


def test_the_verdict_is_open_where_it_hangs_on_what_was_not_seen() -> None:
    hidden = Unseen(name="other network namespaces", reason="only root")
    assert diagnose("", (), (), (hidden,)).verdict.fit is Fit.UNKNOWN
    assert diagnose("", (), (TENANTS,), (hidden,)).verdict.fit is Fit.NO, "one reason against is enough"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.against], ids=lambda kind: kind.id)
def test_each_reason_against_makes_it_a_no(kind: object) -> None:
    told = diagnose("", (), (found(kind.id, "the reason"),), ())  # type: ignore[attr-defined]
    assert told.verdict.fit is Fit.NO
    assert told.verdict.reasons == ("the reason",)


def test_what_is_gravest_comes_first_and_nothing_twice() -> None:
    told = diagnose("", (), (SSH, SLOW, SLOW, found("no-tun", "x")), ())
    assert [one.severity for one in told.findings] == [Severity.CRITICAL, Severity.WARNING, Severity.INFO]
