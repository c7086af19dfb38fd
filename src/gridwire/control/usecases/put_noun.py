"""Put a service, route or policy in place, with the references that it needs."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.control.errors import Clash, Versions
from gridwire.control.precondition import as_json, etag
from gridwire.core.access import resolved
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Policy, Role, Route, Service, check_known_to
from gridwire.core.names import under_suffix
from gridwire.core.panel import panel_host
from gridwire.core.targets import on_mesh


def put_service(transaction: Writing, service: Service, *, author: str, now: datetime) -> None:
    """A service that selects nobody yet, or whose target is not up, is taken and shown as such."""
    if any(selector.kind == "policy" for selector in service.on):
        raise Invalid("on", "a policy says who may use a route, not where a service runs", fix="use tag: or node:")
    for selector in service.on:
        if selector.kind == "role" and selector.value != Role.EDGE:
            raise Invalid(
                "on",
                f"{selector} publishes nothing: services run on edges",
                fix="use role:edge, tag:key=value or node:NAME",
            )
    network = transaction.fleet().network
    check_known_to(network.provider, service.on, "on")
    if any(on_mesh(service.target, prefix) for prefix in network.prefixes):
        raise Invalid(
            "target",
            f"{service.target} is on the mesh {network.prefix}: an edge publishes its own host and LAN",
            fix="give 127.0.0.1:PORT, and select that node with --on",
        )
    _put(transaction, "service", service, author=author, now=now)


def put_route(transaction: Writing, route: Route, *, author: str, now: datetime) -> None:
    """Raise Invalid for a route to nothing or an unknown policy, Clash where host and path are another's."""
    fleet = transaction.fleet()
    if not any(service.name == route.to for service in fleet.services):
        raise Invalid(
            "to",
            f"there is no service {route.to}",
            fix=f"publish it first: gridwire service publish {route.to} --to 127.0.0.1:PORT --on node:NAME",
            code="no-service",
        )
    panel, host = panel_host(fleet.network.suffix), under_suffix(route.host, fleet.network.suffix)
    if host == panel or host.endswith(f".{panel}"):
        # A browser sends a cookie to every port of a host: the service would be given operators' sessions. And a host
        # under it may set one for it, which then stands there twice.
        raise Invalid("host", f"{route.host} is the control panel's own name", fix="choose another", code="panel-host")
    check_known_to(fleet.network.provider, route.allow, "allow")
    resolved(route.allow, fleet.policies)
    twin = _twin(fleet, route)
    if twin is not None:
        host = under_suffix(route.host, fleet.network.suffix)
        raise Clash(
            f"route {twin.name} already has {host}{twin.path}",
            Versions(yours=as_json(route), current=as_json(twin), etag=etag(twin)),
            fix=f"change that one, or remove it: gridwire route remove {twin.name}",
            code="route-taken",
        )
    _put(transaction, "route", route, author=author, now=now)


def put_policy(transaction: Writing, policy: Policy, *, author: str, now: datetime) -> None:
    check_known_to(transaction.fleet().network.provider, policy.allow, "allow")
    _put(transaction, "policy", policy, author=author, now=now)


def _twin(fleet: Fleet, route: Route) -> Route | None:
    suffix = fleet.network.suffix
    key = (under_suffix(route.host, suffix), route.path.rstrip("/"))
    return next(
        (
            other
            for other in fleet.routes
            if other.name != route.name and (under_suffix(other.host, suffix), other.path.rstrip("/")) == key
        ),
        None,
    )


def _put(transaction: Writing, noun: str, item: Service | Route | Policy, *, author: str, now: datetime) -> None:
    """Nothing where it is so already: repeating a command makes no revision."""
    fleet = transaction.fleet()
    after = fleet.put(item)
    if after == fleet:
        return
    verb = "changed" if fleet.drop(item) != fleet else "added"
    transaction.save(
        after,
        author=author,
        reason=f"{noun} {item.name}: {verb}",
        kind=f"{noun}.{verb}",
        subject=item.name,
        now=now,
        detail=_said(item),
    )


def _said(item: Service | Route | Policy) -> str:
    if isinstance(item, Service):
        return f"{item.target} on {', '.join(map(str, item.on))}"
    allow = ", ".join(map(str, item.allow)) or "nobody"
    return f"{item.host}{item.path} to {item.to}, open to {allow}" if isinstance(item, Route) else f"names {allow}"
