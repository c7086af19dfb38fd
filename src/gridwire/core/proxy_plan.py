"""What has to happen so that nginx is what a spec says. Pure.

Order: data on disk, then nginx's text, then its processes, then data pushed: a new generation of workers loads the
disk, so it must find there what it is to serve. Only a change of nginx's own text (a listener) reloads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from gridwire.core.actions import Action
from gridwire.core.certificates import CertificatePlan, CertificatesObserved
from gridwire.core.observed import Known, Unknown

Digests = tuple[tuple[str, str], ...]


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Data for Lua under its name: routing, edge, panel or certificates. ``digest`` is what nginx answers for one that
    it serves."""

    name: str
    digest: str
    version: tuple[int, int]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyWanted:
    """All that nginx must be, rendered. ``running`` is the digest that a running nginx tells of its text."""

    config: str = field(repr=False)
    running: str
    documents: tuple[Document, ...]
    certificates: CertificatePlan | None = None
    panel: str | None = None  # the digest of the panel's files; none: there are none to serve


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyObserved:
    """nginx as it is. ``config``: text_digest of the file, None if there is none; ``running``: what the door tells,
    None if nginx is away; ``files`` and ``served``: (name, digest) of documents on disk and in every worker."""

    config: str | None = None
    running: str | None = None
    files: Digests = ()
    served: Digests = ()
    panel: str | None = None
    certificates: Known[CertificatesObserved] | Unknown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDocument(Action):
    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConfig(Action):
    """Test the text apart from the live nginx, then put it in place; the one before is kept beside it."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveConfig(Action):
    """Without a configuration `gridwire nginx run` waits and starts nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopNginx(Action):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadNginx(Action):
    """``running``: the digest that nginx must tell afterwards."""

    running: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitNginx(Action):
    """nginx is a process of its own; the agent does not start it, and says that it waits."""

    running: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDocument(Action):
    name: str
    digest: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePanel(Action):
    """Put the panel's files where nginx's workers read them, in place of those before."""

    digest: str


def plan_proxy(wanted: ProxyWanted | None, observed: Known[ProxyObserved | None] | Unknown) -> tuple[Action, ...]:
    """``wanted`` None: this node runs no nginx. What could not be read is left as it is."""
    if isinstance(observed, Unknown):
        return ()
    seen = observed.value or ProxyObserved()
    if wanted is None:
        return _plan_none(seen)
    certificates = wanted.certificates
    return (
        *(() if certificates is None else certificates.before),
        *_plan_files(wanted, seen),
        *_plan_panel(wanted, seen),
        *_plan_running(wanted, seen),
        *(() if certificates is None else certificates.after),
    )


def _plan_none(seen: ProxyObserved) -> tuple[Action, ...]:
    actions: list[Action] = []
    if seen.config is not None:
        actions.append(RemoveConfig(reason="the spec wants no nginx here, and there is a configuration"))
    if seen.running is not None:
        actions.append(StopNginx(reason="the spec wants no nginx here, and one runs"))
    return tuple(actions)


def _plan_files(wanted: ProxyWanted, seen: ProxyObserved) -> tuple[Action, ...]:
    files = dict(seen.files)
    actions: list[Action] = [
        WriteDocument(
            reason=f"{document.name} on disk is {_short(files.get(document.name))}, version {_dotted(document)} is "
            f"{_short(document.digest)}",
            name=document.name,
            text=document.text,
        )
        for document in wanted.documents
        if files.get(document.name) != document.digest
    ]
    digest = text_digest(wanted.config)
    if seen.config != digest:
        reason = f"nginx.conf is {_short(seen.config)}, the listeners want {_short(digest)}"
        actions.append(WriteConfig(reason=reason, text=wanted.config))
    return tuple(actions)


def _plan_panel(wanted: ProxyWanted, seen: ProxyObserved) -> tuple[Action, ...]:
    """Files before the policies that let their scripts run; a panel that this program has not is left where it is."""
    if wanted.panel is None or wanted.panel == seen.panel:
        return ()
    reason = f"the panel served is {_short(seen.panel)}, this program's is {_short(wanted.panel)}"
    return (PlacePanel(reason=reason, digest=wanted.panel),)


def _plan_running(wanted: ProxyWanted, seen: ProxyObserved) -> tuple[Action, ...]:
    if seen.running is None:
        return (AwaitNginx(reason="nginx is not running yet; it loads what is on disk", running=wanted.running),)
    actions: list[Action] = []
    served = dict(seen.served)
    if seen.running != wanted.running:
        reason = f"nginx runs {_short(seen.running)}, a listener changed: {_short(wanted.running)} (this reloads)"
        actions.append(ReloadNginx(reason=reason, running=wanted.running))
    actions += [
        PushDocument(
            reason=f"nginx serves {document.name} {_short(served.get(document.name))}, version {_dotted(document)} is "
            f"{_short(document.digest)}",
            name=document.name,
            digest=document.digest,
            text=document.text,
        )
        for document in wanted.documents
        if served.get(document.name) != document.digest
    ]
    return tuple(actions)


def _short(digest: str | None) -> str:
    return digest[:8] if digest else "missing"


def _dotted(document: Document) -> str:
    return ".".join(map(str, document.version))
