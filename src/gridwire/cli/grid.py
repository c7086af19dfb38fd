"""Control as the commands ask it: over local.sock, where being able to connect is the authorisation; or at a gateway
elsewhere on the mesh, by an API token (cli.gateway)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from gridwire.cli import gateway
from gridwire.cli.planning import Planned, planning
from gridwire.core import paths
from gridwire.core.errors import GridwireError, NotFound, Unavailable
from gridwire.core.fleet import Network, Role, Selector, Tag, check_known_to, parse_selector
from gridwire.core.names import check_tags, parse_tag
from gridwire.core.tailnet import Provider
from gridwire.protocol.api import Listing

if TYPE_CHECKING:
    from gridwire.adapters.control_api import Answer, ControlApi

T = TypeVar("T")
Method = Literal["PUT", "PATCH", "POST", "DELETE"]
# Seconds. Control itself waits 10 for its turn to write and 10 for a database that another process holds, and then
# says so; who hung up before that would blame control. Revoking waits for the gateways, too.
PATIENCE = 25.0
API = "/api/v1"


def get(path: str, kind: type[T], settings: str) -> T:
    """What stands at ``path`` below /api/v1; raise what control answers, or Unavailable where nobody does."""
    with grid(settings) as api:
        return _value(api.request("GET", API + path, kind=kind, timeout=PATIENCE))


def listing(path: str, kind: type[T], settings: str) -> tuple[T, ...]:
    return get(path, Listing[kind], settings).items  # type: ignore[valid-type]


def post(path: str, body: object | None, kind: type[T], settings: str, *, if_match: str | None = None) -> T:
    with grid(settings) as api:
        return _value(_change(api, "POST", path, body, kind, if_match=if_match))


def read(path: str, kind: type[T], settings: str) -> tuple[T, str | None]:
    """As ``get``, and the ETag, for a change of exactly what was read."""
    with grid(settings) as api:
        answer = api.request("GET", API + path, kind=kind, timeout=PATIENCE)
    return _value(answer), answer.etag


def put(path: str, body: object, kind: type[T], settings: str) -> T:
    """Make the noun at ``path`` or change it, against the version that is there now."""
    return _changed("PUT", path, body, kind, settings)


def patch(path: str, body: object, kind: type[T], settings: str) -> T:
    return _changed("PATCH", path, body, kind, settings)


def delete(path: str, settings: str, *, versioned: bool = True) -> None:
    """``versioned``: the version that is there now, and no other; what has none is deleted without asking for it."""
    with grid(settings) as api:
        etag = api.request("GET", API + path, timeout=PATIENCE).etag if versioned else None
        _change(api, "DELETE", path, if_match=etag)


def _changed(method: Literal["PUT", "PATCH"], path: str, body: object, kind: type[T], settings: str) -> T:
    with grid(settings) as api:
        try:
            etag = api.request("GET", API + path, timeout=PATIENCE).etag
        except NotFound:
            if method != "PUT":
                raise
            return _value(_change(api, method, path, body, kind, if_none_match="*"))
        return _value(_change(api, method, path, body, kind, if_match=etag))


def _change(
    api: ControlApi,
    method: Method,
    path: str,
    body: object | None = None,
    kind: type[T] | None = None,
    *,
    if_match: str | None = None,
    if_none_match: str | None = None,
) -> Answer[T]:
    """Raise Planned where the command is only looked at."""
    if planning():
        from gridwire.protocol.preview import Preview

        asked = f"{API}{path}?preview=true"
        seen = api.request(
            method, asked, body, Preview, if_match=if_match, if_none_match=if_none_match, timeout=PATIENCE
        )
        raise Planned(_value(seen))
    return api.request(method, API + path, body, kind, if_match=if_match, if_none_match=if_none_match, timeout=PATIENCE)


def _value(answer: Answer[T]) -> T:
    if answer.value is None:
        raise Unavailable(f"control answered {answer.status} with nothing in it", fix="see control's log")
    return answer.value


@contextmanager
def grid(settings: str) -> Iterator[ControlApi]:
    """Raise Unavailable where control is away, with the place to ask where it never was here."""
    from gridwire.adapters.control_api import ControlApi

    elsewhere = gateway.chosen()
    if elsewhere is not None:
        with elsewhere.api() as api:
            yield api
        return
    try:
        with ControlApi(f"unix:{local_socket(settings)}") as api:
            yield api
    except Unavailable as error:
        if error.code == "control-away":
            _check_gateway(settings)
        raise


def _check_gateway(settings: str) -> None:
    """Raise Unavailable on a node where no control runs: the grid is seen from a gateway."""
    from gridwire.adapters.settings import load
    from gridwire.agent.state_dir import AgentState

    try:
        identity = AgentState(load(settings).paths.agent_state).load_identity()
    except GridwireError:
        return
    if identity is None or identity.role is Role.GATEWAY:
        return
    gateways = ", ".join(f"{there.node} ({there.address})" for there in identity.gateways)
    raise Unavailable(
        f"this host is {identity.node}, of role {identity.role}: control runs on a gateway",
        fix=f"run the same command there: {gateways}",
        code="not-a-gateway",
    )


def local_socket(settings: str) -> str:
    """The socket that this host's settings name, or the one that always is where they cannot be read."""
    from gridwire.adapters.settings import load

    try:
        return load(settings).paths.local_socket
    except Unavailable:
        return paths.LOCAL_SOCKET


def selectors(texts: Iterable[str], field: str, settings: str) -> tuple[Selector, ...]:
    """Selectors as given on the command line: each option may hold several, parted by commas."""
    parts = (part.strip() for text in texts for part in text.split(","))
    found = tuple(parse_selector(part, field) for part in parts if part)
    check_known_to(_provider(settings), found, field)
    return found


def _provider(settings: str) -> Provider:
    """Of this host's settings; where they cannot be read control judges alone."""
    if gateway.chosen() is not None:
        return get("/network", Network, settings).provider
    from gridwire.adapters.settings import load

    try:
        return load(settings).mesh.provider
    except Unavailable:
        return Provider.WIREGUARD


def tags(texts: Iterable[str], field: str = "tag") -> tuple[Tag, ...]:
    return check_tags((parse_tag(text, field) for text in texts), field)
