"""What is wrong with the grid at one moment, as alerts see it; and what cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gridwire.control.moment import Moment
from gridwire.control.perimeter import Looked
from gridwire.control.picture import Picture
from gridwire.core.alerts import CERTIFICATE_LEFT, ERROR_REQUESTS, ERROR_SHARE, AlertKind, Held, Key, Symptom
from gridwire.core.certificates import Certificate, Source
from gridwire.core.fleet import Fleet, Node, NodeState, Role, Route
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.perimeter import Severity
from gridwire.core.perimeter_verdict import NodePerimeter, State
from gridwire.core.traffic import Tally
from gridwire.protocol.notifications import AlertView

_SOCKETS = frozenset({"sockets", "listeners"})  # where several findings of a kind may be
_SUBJECT = 255  # characters, of the database's column


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    symptoms: Mapping[Key, Symptom]
    unknown: Callable[[Key], bool]


def look(picture: Picture, moment: Moment, looked: Iterable[Looked], traffic: Mapping[str, Tally]) -> Seen:
    """``looked``: the perimeter. ``traffic``: of the last minute or two, by route."""
    found: list[Symptom] = []
    unknown: set[Key] = set()
    perimeter = {one.view.node: one.view for one in looked}
    for node in picture.fleet.nodes:
        if node.state is NodeState.ACTIVE:
            _node(picture, node, found, unknown)
            found += _findings(picture, node, perimeter.get(node.name))
    behind = _Behind(picture, moment)
    for route in picture.fleet.routes:
        key = Key(AlertKind.ROUTE_FAILING, route.name)
        health, why = behind.of(route.to)
        if health is Health.CHECKING:
            unknown.add(key)
        elif health is not Health.UP:
            fix = f"gridwire service show {route.to}"
            found.append(Symptom(key=key, what=why, fix=fix, of=behind.names(route)))
        tally = traffic.get(route.name)
        if tally is not None and tally.requests >= ERROR_REQUESTS and tally.errors > ERROR_SHARE * tally.requests:
            what = f"{tally.errors} of the last {tally.requests} requests failed"
            fix = f"gridwire traffic {route.name}"
            key = Key(AlertKind.ROUTE_ERRORS, route.name)
            found.append(Symptom(key=key, what=what, fix=fix, of=behind.names(route)))
    for gateway in picture.fleet.gateways():
        heard = picture.heard.get(gateway.address)
        found += _certificates(gateway, heard.report.certificates if heard is not None else (), picture.now)
    unseen = {view.node for view in perimeter.values() if view.state is State.UNKNOWN}
    return Seen(symptoms={symptom.key: symptom for symptom in found}, unknown=_unseen(picture, unknown, unseen))


class _Behind:
    """What stands behind routes: looked at once for each service, however many routes lead there."""

    def __init__(self, picture: Picture, moment: Moment) -> None:
        self._picture, self._moment = picture, moment
        self._seen: dict[ServiceName, tuple[Health, str]] = {}

    def of(self, service: ServiceName) -> tuple[Health, str]:
        """UP while one endpoint is, CHECKING while one may come to be, else DOWN and why."""
        if service not in self._seen:
            nodes = self._nodes(service)
            views = [self._moment.endpoints[service, node.name] for node in nodes]
            healths = {view.health for view in views}
            known = next((health for health in (Health.CHECKING, Health.UP) if health in healths), Health.DOWN)
            why = "; ".join(f"{v.node}: {v.reason or v.health}" for v in views) if known is Health.DOWN else ""
            what = f"no endpoint of {service} serves: {why or 'no node offers it'}"[:500]
            self._seen[service] = (known, what)
        return self._seen[service]

    def names(self, route: Route) -> frozenset[str]:
        return frozenset({f"route:{route.name}", *_shared(self._nodes(route.to))})

    def _nodes(self, service: ServiceName) -> tuple[Node, ...]:
        return self._picture.known.endpoints_of(self._picture.known.services[service])


def _node(picture: Picture, node: Node, found: list[Symptom], unknown: set[Key]) -> None:
    of, heard = _names(node), picture.heard.get(node.address)
    key = Key(AlertKind.NODE_DOWN, node.name)
    if node.role in (Role.GATEWAY, Role.EDGE):
        connected = picture.connected(node)
        if heard is None or connected is None:
            unknown.add(key)
        if connected is False and (heard is not None or node.role is Role.EDGE):
            what = "its agent does not report" if node.role is Role.GATEWAY else "its tunnel is down"
            found.append(Symptom(key=key, what=what, fix=f"gridwire doctor {node.name}", of=of))
        elif heard is not None and connected and not heard.fresh(picture.now):
            fix = f"on {node.name}: systemctl status gridwire-agent"
            found.append(Symptom(key=key, what="its tunnel is up, and its agent does not report", fix=fix, of=of))


def _findings(picture: Picture, node: Node, view: NodePerimeter | None) -> Iterator[Symptom]:
    """What its perimeter has that somebody has to mend, and the worst of what its agent found beside that."""
    heard = picture.heard.get(node.address)
    if heard is None or not heard.fresh(picture.now):
        return
    judged = () if view is None else view.findings
    told = {finding.id for finding in judged}
    grave = (one for one in heard.report.findings if one.severity is Severity.CRITICAL and one.id not in told)
    for finding in (*(one for one in judged if one.severity is not Severity.INFO), *grave):
        subject = f"{node.name}/{finding.where}/{finding.id}"
        if finding.where in _SOCKETS and finding.evidence:  # each of them by itself
            subject = f"{subject}/{finding.evidence}"
        key = Key(AlertKind.PERIMETER, subject[:_SUBJECT])
        yield Symptom(key=key, what=finding.what[:500], fix=finding.fix[:500], of=_names(node))


def _certificates(gateway: Node, shown: Iterable[Certificate], now: datetime) -> Iterator[Symptom]:
    """Those that end soon. An own one is made anew when a third of its life is left, so one with less than a quarter
    was not; ``shown`` until the gateway says otherwise, for time goes on without it."""
    for certificate in shown:
        left = certificate.not_after - now
        if left < min(CERTIFICATE_LEFT, (certificate.not_after - certificate.not_before) / 4):
            name = certificate.names[0] if certificate.names else certificate.subject
            what = f"the certificate of {name} " + ("has ended" if left.days < 0 else f"ends in {left.days} days")
            fix = "put a new one in its files" if certificate.source is Source.GIVEN else "see the agent's log"
            key = Key(AlertKind.CERTIFICATE, f"{gateway.name}/{name}")
            yield Symptom(key=key, what=what, fix=fix, of=frozenset({f"node:{gateway.name}"}))


def _unseen(picture: Picture, unknown: set[Key], perimeter: set[NodeName]) -> Callable[[Key], bool]:
    """Findings are known while their node reports and is not in ``perimeter``, those whose perimeter is not known;
    certificates once their gateway reports: after a restart of control what was so before is so until somebody says
    otherwise."""
    live = {n.name: picture.heard.get(n.address) for n in picture.fleet.nodes if n.state is NodeState.ACTIVE}

    def unseen(key: Key) -> bool:
        if key.kind not in (AlertKind.PERIMETER, AlertKind.CERTIFICATE):
            return key in unknown
        name = NodeName(key.subject.partition("/")[0])
        heard = live.get(name)
        if name not in live or heard is None:
            return name in live
        return key.kind is AlertKind.PERIMETER and (name in perimeter or not heard.fresh(picture.now))

    return unseen


def _shared(nodes: tuple[Node, ...]) -> frozenset[str]:
    """What names each of the nodes: maintenance of one of two endpoints is no reason for a route to fail."""
    return frozenset.intersection(*map(_names, nodes)) if nodes else frozenset()


def _names(node: Node) -> frozenset[str]:
    return frozenset({f"node:{node.name}", *(f"tag:{tag}" for tag in node.tags)})


def alert_view(held: Held, *, silent: bool) -> AlertView:
    assert held.opened is not None
    return AlertView(
        kind=held.key.kind,
        subject=held.key.subject,
        what=held.what,
        fix=held.fix,
        since=held.since or held.opened,
        opened=held.opened,
        silent=silent,
        flaps=held.flaps,
    )


def is_noun(fleet: Fleet, of: str) -> bool:
    """Whether a window's words name something that is there."""
    kind, _, name = of.partition(":")
    if kind == "node":
        return any(node.name == name for node in fleet.nodes)
    if kind == "route":
        return any(route.name == name for route in fleet.routes)
    return True
