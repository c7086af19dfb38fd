"""The certificates of a gateway's nginx: seen, planned, made, and told of. The proxy's section asks here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gridwire.adapters.clock import utc_now
from gridwire.core.actions import Action
from gridwire.core.certificates import (
    Certificate,
    CertificatePlan,
    CertificatesObserved,
    DropLeaves,
    IssueLeaf,
    MakeAuthority,
    TakeGiven,
    certificate_findings,
    plan_certificates,
    wanted_certificates,
)
from gridwire.core.joined import JoinedAs
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding
from gridwire.core.spec import NodeSpec

if TYPE_CHECKING:
    from gridwire.adapters.certificates import CertificateFiles


class Certificates:
    """Blocking. What was last seen is kept, for the report."""

    def __init__(self, identity: JoinedAs, files: CertificateFiles, now: Callable[[], datetime] = utc_now) -> None:
        self._identity = identity
        self._files = files
        self._now = now
        self._seen = CertificatesObserved()

    def observe(self) -> Known[CertificatesObserved] | Unknown:
        observed = self._files.observe()
        if isinstance(observed, Known):
            self._seen = observed.value
        return observed

    def plan(
        self, spec: NodeSpec, observed: Known[CertificatesObserved] | Unknown, now: datetime
    ) -> CertificatePlan | None:
        """None where nothing listens with TLS, or what is there could not be read."""
        identity = self._identity
        wanted = wanted_certificates(spec.proxy, identity.suffix, identity.prefixes, identity.addresses)
        return None if wanted is None else plan_certificates(wanted, observed, now)

    def apply(self, action: Action) -> bool:
        """Whether the action was one of certificates; raise GridwireError where it failed."""
        match action:
            case MakeAuthority(suffix=suffix, prefixes=prefixes):
                self._files.make_authority(suffix, prefixes, self._now())
            case IssueLeaf(leaf=leaf):
                self._files.issue(leaf, self._now())
            case TakeGiven(file=file):
                self._files.take_given(file)
            case DropLeaves(files=files):
                self._files.drop(files)
            case _:
                return False
        return True

    def findings(self) -> tuple[Finding, ...]:
        return certificate_findings(self._seen, self._now())

    def told(self) -> tuple[Certificate, ...]:
        """For the report: the authority, then what is served."""
        own = () if self._seen.authority is None else (self._seen.authority,)
        return (*own, *(held.certificate for held in self._seen.leaves))
