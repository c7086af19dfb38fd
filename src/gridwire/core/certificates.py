"""Which certificates a gateway's nginx shows, and when each is made anew. Pure; keys never come here.

The grid's own authority lives on the gateway. A leaf is for one host name, or for the panel's names and the gateway's
addresses; it lives for 30 days and is replaced when a third of them is left, as data: nothing reloads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gridwire.core.actions import Action
from gridwire.core.addressing import Address, Prefix
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown
from gridwire.core.panel import panel_host
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.proxy import ListenerKind, ProxySpec

AUTHORITY_LIFE: Final = timedelta(days=3652)
LEAF_LIFE: Final = timedelta(days=30)
_NEAR: Final = timedelta(days=7)  # a given certificate that ends so soon is told of; an own one was replaced before
_MOST_LEAVES: Final = 10_000
SECURE: Final = frozenset({ListenerKind.TLS, ListenerKind.PANEL})


class Source(StrEnum):
    INTERNAL = "internal"  # of the grid's own authority
    GIVEN = "given"  # from the files that the settings name


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says of itself. ``names``: host names and addresses, as in its subjectAltName, or what an
    ``authority`` may sign for; ``fingerprint``: SHA-256 of the whole, in hexadecimal digits."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    source: Source
    authority: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A certificate with its key in a file of nginx's; ``file`` is the file's name."""

    file: str
    certificate: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesObserved:
    """``authority``: the grid's own, with its PEM text; ``given``: what the settings' files hold, and ``broken`` why
    they cannot be used."""

    authority: Certificate | None = None
    authority_pem: str = ""
    leaves: tuple[Held, ...] = ()
    given: Certificate | None = None
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """``names``: what it is for, the first gives the file its name."""

    file: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeAuthority(Action):
    suffix: HostName
    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLeaf(Action):
    leaf: Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeGiven(Action):
    """Copy the certificate and key that the settings name to where nginx reads them."""

    file: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLeaves(Action):
    """Remove files that nginx was told not to read any more."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTable:
    """For nginx, as data: host names (``*.`` for one label) → files; ``default`` is shown to who names no host."""

    files: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    authority_pem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePlan:
    """``before`` nginx is told of the table, and ``after``."""

    table: CertificateTable
    before: tuple[Action, ...] = ()
    after: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a gateway's certificates are for. ``hosts``: those of its routes, sorted."""

    suffix: HostName
    prefixes: tuple[Prefix, ...]
    addresses: tuple[Address, ...]
    hosts: tuple[str, ...] = field(default=())

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the panel's."""
        return (panel_host(self.suffix), *map(str, self.addresses))


def wanted_certificates(
    spec: ProxySpec, suffix: HostName, prefixes: tuple[Prefix, ...], addresses: tuple[Address, ...]
) -> Wanted | None:
    """None where nothing listens with TLS."""
    kinds = {listener.kind for listener in spec.listeners}
    if not kinds & SECURE:
        return None
    routes = spec.routing.routes if spec.routing is not None and ListenerKind.TLS in kinds else ()
    return Wanted(
        suffix=suffix,
        prefixes=prefixes,
        addresses=addresses,
        hosts=tuple(sorted({route.host for route in routes}))[:_MOST_LEAVES],
    )


def plan_certificates(
    wanted: Wanted, observed: Known[CertificatesObserved] | Unknown, now: datetime
) -> CertificatePlan | None:
    """None where the files could not be read: nothing is made over what was not seen."""
    if isinstance(observed, Unknown):
        return None
    seen = observed.value
    before: list[Action] = []
    if renew_authority(seen.authority, wanted, now):
        why = "there is none yet" if seen.authority is None else "its names or its time do not fit any more"
        before.append(
            MakeAuthority(reason=f"the grid's own authority: {why}", suffix=wanted.suffix, prefixes=wanted.prefixes)
        )
        seen = CertificatesObserved(leaves=seen.leaves, given=seen.given, broken=seen.broken)  # its leaves are no use
    given = _given(seen)
    leaves = _newest_leaves(seen)
    files: dict[str, str] = {}
    for names in (wanted.own, *((host,) for host in _own_hosts(wanted, given))):
        leaf, why = _leaf(names, leaves.get(names), now)
        if why:
            before.append(IssueLeaf(reason=f"certificate for {names[0]}: {why}", leaf=leaf))
        files.update((name, leaf.file) for name in names)
    default = files[wanted.own[0]]
    if given is not None:
        file, certificate = given
        if file not in {held.file for held in seen.leaves}:
            before.append(
                TakeGiven(
                    reason=f"the given certificate is {certificate.fingerprint[:8]}, which nginx does not have",
                    file=file,
                    fingerprint=certificate.fingerprint,
                )
            )
        files = {name: kept for name, kept in files.items() if not covers(certificate, name)}
        files.update((name, file) for name in certificate.names)
    used = set(files.values()) | {default}
    gone = tuple(sorted(held.file for held in seen.leaves if held.file not in used))
    table = CertificateTable(files=tuple(sorted(files.items())), default=default, authority_pem=seen.authority_pem)
    after = (DropLeaves(reason=f"{len(gone)} certificates are replaced", files=gone),) if gone else ()
    return CertificatePlan(table=table, before=tuple(before), after=after)


def renew_authority(authority: Certificate | None, wanted: Wanted, now: datetime) -> bool:
    if authority is None:
        return True
    permitted = (wanted.suffix, *map(str, wanted.prefixes))
    return authority.names != permitted or authority.not_after - now < 2 * LEAF_LIFE


def due(certificate: Certificate, now: datetime) -> bool:
    """Whether a third of its life is left, or less; or it is not valid yet, after a clock went back."""
    life = certificate.not_after - certificate.not_before
    return certificate.not_after - now <= life / 3 or now < certificate.not_before


def covers(certificate: Certificate, name: str) -> bool:
    """Whether a client that asks for ``name`` takes the certificate (RFC 9525 §6.3)."""
    wild = f"*.{name.partition('.')[2]}" if "." in name and not name.startswith("*") else ""
    return name in certificate.names or (bool(wild) and wild in certificate.names)


def certificate_findings(seen: CertificatesObserved, now: datetime) -> tuple[Finding, ...]:
    """What somebody has to see to: a given certificate that is broken, or ends soon."""
    found = []
    if seen.broken:
        found.append(
            Finding(
                id="certificate-broken",
                severity=Severity.WARNING,
                where="proxy",
                what=f"the given certificate cannot be used: {seen.broken}; the one before is served on",
                fix="put a whole certificate chain and its key there; they are taken within seconds",
            )
        )
    given = tuple(held.certificate for held in seen.leaves if held.certificate.source is Source.GIVEN)
    for certificate in given if seen.given is None else (seen.given,):
        left = certificate.not_after - now
        if left < _NEAR:
            ends = "has ended" if left < timedelta() else f"ends in {left.days} days"
            found.append(
                Finding(
                    id="certificate-ends",
                    severity=Severity.CRITICAL if left < timedelta() else Severity.WARNING,
                    where="proxy",
                    what=f"the given certificate for {', '.join(certificate.names[:3])} {ends}",
                    fix="renew it, and put the new one in the same files",
                    evidence=f"not after {certificate.not_after.isoformat()}",
                )
            )
    return tuple(found)


def leaf_file(names: Iterable[str], now: datetime) -> str:
    """Another name each time, so that a worker knows a new one by it."""
    return f"{hashlib.sha256(' '.join(names).encode()).hexdigest()[:24]}.{int(now.timestamp())}.pem"


def given_file(fingerprint: str) -> str:
    return f"given.{fingerprint[:32]}.pem"


def _newest_leaves(seen: CertificatesObserved) -> dict[tuple[str, ...], Held]:
    """Of the authority that is there, by their names. Of two for the same names the one that ends last; of two that end
    at once the first."""
    issuer = None if seen.authority is None else seen.authority.subject
    newest: dict[tuple[str, ...], Held] = {}
    for held in seen.leaves:
        certificate = held.certificate
        if certificate.source is Source.INTERNAL and certificate.issuer == issuer:
            known = newest.setdefault(certificate.names, held)
            if certificate.not_after > known.certificate.not_after:
                newest[certificate.names] = held
    return newest


def _leaf(names: tuple[str, ...], newest: Held | None, now: datetime) -> tuple[Leaf, str]:
    """The leaf that is to be served, and why it has to be made; empty where it is there."""
    if newest is None:
        return Leaf(file=leaf_file(names, now), names=names), "there is none"
    if due(newest.certificate, now):
        return Leaf(file=leaf_file(names, now), names=names), f"it ends {newest.certificate.not_after:%Y-%m-%d}"
    return Leaf(file=newest.file, names=names), ""


def _given(seen: CertificatesObserved) -> tuple[str, Certificate] | None:
    """The given certificate to serve: the settings' own, or where they are broken the last that was whole."""
    if seen.given is not None:
        return given_file(seen.given.fingerprint), seen.given
    kept = [held for held in seen.leaves if held.certificate.source is Source.GIVEN] if seen.broken else []
    if not kept:
        return None
    newest = max(kept, key=lambda held: held.certificate.not_after)
    return newest.file, newest.certificate


def _own_hosts(wanted: Wanted, given: tuple[str, Certificate] | None) -> tuple[str, ...]:
    """The routes' hosts that the authority is to sign for: none outside the grid's suffix, which it may not, and none
    that the given certificate is for."""
    under = tuple(host for host in wanted.hosts if host.endswith(f".{wanted.suffix}"))
    return under if given is None else tuple(host for host in under if not covers(given[1], host))
