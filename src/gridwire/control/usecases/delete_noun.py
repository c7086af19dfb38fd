"""Take a service, route or policy away, unless something stands on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gridwire.adapters.store import Writing
from gridwire.core.errors import Conflict
from gridwire.core.fleet import Policy, Route, Service


def delete_service(transaction: Writing, service: Service, *, author: str, now: datetime) -> None:
    """Raise Conflict while a route leads to it."""
    users = [route.name for route in transaction.fleet().routes if route.to == service.name]
    if users:
        raise Conflict(
            f"{_routes(users)} to {service.name}",
            fix=f"remove it first: gridwire route remove {users[0]}",
            code="in-use",
        )
    _delete(transaction, "service", service, author=author, now=now)


def delete_route(transaction: Writing, route: Route, *, author: str, now: datetime) -> None:
    _delete(transaction, "route", route, author=author, now=now)


def delete_policy(transaction: Writing, policy: Policy, *, author: str, now: datetime) -> None:
    """Raise Conflict while a route names it."""
    users = [
        route.name
        for route in transaction.fleet().routes
        if any(s.kind == "policy" and s.value == policy.name for s in route.allow)
    ]
    if users:
        raise Conflict(
            f"{_routes(users)} by policy {policy.name}",
            fix=f"change route {users[0]} first: gridwire route add … --allow without policy:{policy.name}",
            code="in-use",
        )
    _delete(transaction, "policy", policy, author=author, now=now)


def _routes(names: Sequence[str]) -> str:
    return f"route {names[0]} goes" if len(names) == 1 else f"routes {', '.join(names)} go"


def _delete(transaction: Writing, noun: str, item: Service | Route | Policy, *, author: str, now: datetime) -> None:
    transaction.save(
        transaction.fleet().drop(item),
        author=author,
        reason=f"{noun} {item.name}: removed",
        kind=f"{noun}.removed",
        subject=item.name,
        now=now,
    )
