"""One table of what can be asked of control: method, path, body and what the answer is. No I/O.

api.send(calls.node("home-1")).value         NodeView
api.send(calls.put_service(service, if_match=etag))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, Literal, TypeVar, cast
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Network, Node, Policy, Route, Service
from gridwire.core.names import shown
from gridwire.core.revision import Revision
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Member
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.agent import REPORT_PATH, SPEC_PATH, Report
from gridwire.protocol.api import (
    Device,
    Invite,
    Invited,
    Listing,
    NodeChange,
    NodeView,
    Progress,
    Revoked,
    RouteOutcome,
    ServiceOutcome,
    Status,
)
from gridwire.protocol.audit import Event
from gridwire.protocol.enrolment import CONFIRM_PATH, REDEEM_PATH, Confirmed, Redeem, Redeemed
from gridwire.protocol.heard import Heard
from gridwire.protocol.perimeter import SOCKETS_PATH, NodeSockets, Perimeter, SocketsSeen
from gridwire.protocol.tailnet import ASK_PATH, MOVED_PATH, AskIn, LetIn
from gridwire.protocol.traffic import COUNTED_PATH

T = TypeVar("T")
Method = Literal["GET", "PUT", "POST", "PATCH", "DELETE"]

API = "/api/v1"
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request. ``kind``: the type of the answer's body, or none. ``timeout``: seconds until it is given up.

    ``repeatable``: sending it twice is as sending it once, so a broken connection may be tried again.
    """

    method: Method
    path: str
    kind: Any
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 10.0
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """``value``: the parsed body, or none where there is none (204, 304). ``etag`` as it is sent back."""

    value: T | None
    etag: str | None
    status: int

    @property
    def body(self) -> T:
        """The value of a call that always has one; raise Unavailable where control sent none."""
        if self.value is None:
            raise Unavailable(f"control answered {self.status} without a body", code="no-body")
        return self.value


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(body: object) -> bytes:
    kind: Any = type(body)
    return adapter(kind).dump_json(body)


def parse(kind: Any, content: bytes) -> Any:
    """Raise Unavailable for an answer that is not of this kind: another version, or not control at all.

    ``bytes``: as it came, where it is no JSON.
    """
    if kind is bytes:
        return content
    try:
        return adapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise Unavailable(
            f"control's answer is not understood ({place}: {first['msg']})",
            fix="run the same version of gridwire on both sides",
            code="not-understood",
        ) from None


def conditions(if_match: str | None = None, if_none_match: str | None = None) -> dict[str, str]:
    found = {"If-Match": if_match, "If-None-Match": if_none_match}
    return {name: value for name, value in found.items() if value is not None}


def _get(path: str, kind: Any) -> Call[Any]:
    return Call(method="GET", path=path, kind=kind)


def _change(
    method: Method,
    path: str,
    kind: Any,
    body: object = None,
    *,
    if_match: str | None = None,
    if_none_match: str | None = None,
    timeout: float = 10.0,
) -> Call[Any]:
    return Call(
        method=method,
        path=path,
        kind=kind,
        body=None if body is None else dump(body),
        headers=conditions(if_match, if_none_match) | ({} if body is None else _JSON),
        timeout=timeout,
        repeatable=method in ("PUT", "DELETE") and not (if_match or if_none_match),
    )


def _name(name: object) -> str:
    return quote(str(name), safe="")


# --- what operators ask


def status() -> Call[Status]:
    return _get(f"{API}/status", Status)


def network() -> Call[Network]:
    return _get(f"{API}/network", Network)


def nodes() -> Call[Listing[NodeView]]:
    return _get(f"{API}/nodes", Listing[NodeView])


def node(name: str) -> Call[NodeView]:
    return _get(f"{API}/nodes/{_name(name)}", NodeView)


def change_node(name: str, change: NodeChange, *, if_match: str | None = None) -> Call[NodeView]:
    return _change("PATCH", f"{API}/nodes/{_name(name)}", NodeView, change, if_match=if_match)


def approve(name: str, *, if_match: str | None = None) -> Call[NodeView]:
    return _change("POST", f"{API}/nodes/{_name(name)}/approve", NodeView, if_match=if_match)


def revoke(name: str, *, if_match: str | None = None) -> Call[Revoked]:
    return _change("POST", f"{API}/nodes/{_name(name)}/revoke", Revoked, if_match=if_match)


def add_device(device: Device) -> Call[NodeView]:
    return _change("POST", f"{API}/devices", NodeView, device)


def invite(invitation: Invite) -> Call[Invited]:
    return _change("POST", f"{API}/invitations", Invited, invitation)


def invitation(name: str) -> Call[Progress]:
    return _get(f"{API}/invitations/{_name(name)}", Progress)


def cancel_invitation(name: str) -> Call[None]:
    return _change("DELETE", f"{API}/invitations/{_name(name)}", None)


def services() -> Call[Listing[Service]]:
    return _get(f"{API}/services", Listing[Service])


def service(name: str) -> Call[Service]:
    return _get(f"{API}/services/{_name(name)}", Service)


def put_service(
    wanted: Service, *, if_match: str | None = None, if_none_match: str | None = None
) -> Call[ServiceOutcome]:
    path = f"{API}/services/{_name(wanted.name)}"
    return _change("PUT", path, ServiceOutcome, wanted, if_match=if_match, if_none_match=if_none_match)


def delete_service(name: str, *, if_match: str | None = None) -> Call[None]:
    return _change("DELETE", f"{API}/services/{_name(name)}", None, if_match=if_match)


def routes() -> Call[Listing[Route]]:
    return _get(f"{API}/routes", Listing[Route])


def route(name: str) -> Call[Route]:
    return _get(f"{API}/routes/{_name(name)}", Route)


def put_route(wanted: Route, *, if_match: str | None = None, if_none_match: str | None = None) -> Call[RouteOutcome]:
    path = f"{API}/routes/{_name(wanted.name)}"
    return _change("PUT", path, RouteOutcome, wanted, if_match=if_match, if_none_match=if_none_match)


def delete_route(name: str, *, if_match: str | None = None) -> Call[None]:
    return _change("DELETE", f"{API}/routes/{_name(name)}", None, if_match=if_match)


def policies() -> Call[Listing[Policy]]:
    return _get(f"{API}/policies", Listing[Policy])


def policy(name: str) -> Call[Policy]:
    return _get(f"{API}/policies/{_name(name)}", Policy)


def put_policy(wanted: Policy, *, if_match: str | None = None, if_none_match: str | None = None) -> Call[Policy]:
    path = f"{API}/policies/{_name(wanted.name)}"
    return _change("PUT", path, Policy, wanted, if_match=if_match, if_none_match=if_none_match)


def delete_policy(name: str, *, if_match: str | None = None) -> Call[None]:
    return _change("DELETE", f"{API}/policies/{_name(name)}", None, if_match=if_match)


def revisions() -> Call[Listing[Revision]]:
    return _get(f"{API}/revisions", Listing[Revision])


def revision(number: int) -> Call[Revision]:
    return _get(f"{API}/revisions/{number}", Revision)


def events(*, after: int | None = None, limit: int = 100) -> Call[Listing[Event]]:
    """In their order: those after a number, or the last ones."""
    above = "" if after is None else f"after={after}&"
    return _get(f"{API}/events?{above}limit={limit}", Listing[Event])


def perimeter(*, node: str | None = None, cursor: str | None = None, limit: int = 1000) -> Call[Perimeter]:
    """One page of sockets, of one node where it is given."""
    more = {"node": node, "cursor": cursor}
    asked = "".join(f"&{name}={quote(value, safe='')}" for name, value in more.items() if value is not None)
    return _get(f"{API}/perimeter?limit={limit}{asked}", Perimeter)


def node_sockets(name: str) -> Call[NodeSockets]:
    return _get(f"{API}/nodes/{_name(name)}/sockets", NodeSockets)


# --- what a newcomer asks


def redeem(public_key: PublicKey) -> Call[Redeemed]:
    """The same key may repeat it until expiry, so a lost answer is asked for again."""
    found = _change("POST", REDEEM_PATH, Redeemed, Redeem(public_key=public_key))
    return cast(Call[Redeemed], _repeatable(found))


def confirm() -> Call[Confirmed]:
    """NotFinished (HTTP 425) while a gateway has not applied the key."""
    return cast(Call[Confirmed], _repeatable(_change("POST", CONFIRM_PATH, Confirmed)))


def ask_in(ask: AskIn, *, timeout: float = 10.0) -> Call[LetIn]:
    """NotFinished (HTTP 425) while no gateway's agent has seen this node on the tailnet."""
    return cast(Call[LetIn], _repeatable(_change("POST", ASK_PATH, LetIn, ask, timeout=timeout)))


# --- what an agent asks


def moved(own: Member) -> Call[Node]:
    return cast(Call[Node], _repeatable(_change("POST", MOVED_PATH, Node, own)))


def spec(*, etag: str | None = None, wait: float = 25.0) -> Call[NodeSpec]:
    """``wait``: seconds that control may hold the question while nothing is newer than ``etag``; then 304."""
    return Call(
        method="GET",
        path=f"{SPEC_PATH}?wait={wait:g}",
        kind=NodeSpec,
        headers=conditions(if_none_match=etag),
        timeout=wait + 10.0,
    )


def report(content: Report) -> Call[Heard]:
    return cast(Call[Heard], _repeatable(_change("POST", REPORT_PATH, Heard, content, timeout=5.0)))


def tell_sockets(seen: SocketsSeen) -> Call[None]:
    return cast(Call[None], _repeatable(_change("POST", SOCKETS_PATH, None, seen, timeout=5.0)))


def counted(lines: bytes) -> Call[None]:
    """``lines``: a JSON array of Second, as nginx made it."""
    return Call(
        method="POST",
        path=COUNTED_PATH,
        kind=None,
        body=b'{"seconds":' + lines + b"}",
        headers=_JSON,
        timeout=5.0,
        repeatable=False,  # what is sent twice is counted twice
    )


def _repeatable(call: Call[Any]) -> Call[Any]:
    return Call(
        method=call.method,
        path=call.path,
        kind=call.kind,
        body=call.body,
        headers=call.headers,
        timeout=call.timeout,
        repeatable=True,
    )


def describe(call: Call[Any]) -> str:
    """For an error message: method and path, cut to what may be printed."""
    return f"{call.method} {shown(call.path)[1:-1]}"
