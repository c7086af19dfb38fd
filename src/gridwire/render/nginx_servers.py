"""nginx's listeners and location classes: routes, api, enrol, edge, and the door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gridwire.core.bodies import AGENTS, PERSONS
from gridwire.core.certificates import SECURE
from gridwire.core.proxy import Listener, ListenerKind
from gridwire.render.nginx_panel import panel as panel_files
from gridwire.render.nginx_tree import (
    Directive,
    Empty,
    Literal,
    Number,
    Quoted,
    UnixSocket,
    block,
    directive,
    phase,
    seconds,
    set_phase,
)

_REFUSED: Final = "/.gridwire/refused"
_PLAIN: Final = "/.gridwire/plain"
_BY_NGINX: Final = ("400", "405", "408", "413", "414", "494", "501", "503", "505")  # 503: limit_conn
_NONE: Final = Quoted("")
# All that the matcher asks of a request but its target, in one, since each variable that Lua reads costs;
# gridwire.match takes it apart.
_ASKED: Final = "$binary_remote_addr$host $http_host $http_transfer_encoding $gridwire_body $http_upgrade"
IGNORED: Final = (
    *("X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate", "X-Accel-Charset"),
    *("Expires", "Cache-Control", "Set-Cookie", "Vary"),
)


@dataclass(frozen=True, slots=True)
class Zone:
    """``most``: requests of one peer under way at once."""

    name: str
    most: int


# Routes are limited by Lua (gridwire.gateway), which does it for a tenth. Reports: control takes large ones, and nginx
# holds them before control can ask who sends them.
ZONES: Final[dict[ListenerKind, tuple[Zone, ...]]] = {
    ListenerKind.ROUTES: (),
    ListenerKind.API: (Zone("gridwire_api", 64), Zone("gridwire_reports", 4)),
    ListenerKind.ENROL: (Zone("gridwire_enrol", 8),),
    ListenerKind.EDGE: (),
}
_ZONES_OF: Final = {ListenerKind.TLS: ListenerKind.ROUTES, ListenerKind.PANEL: ListenerKind.API}
_LARGE: Final = ("/api/v1/agent/report", "/api/v1/agent/sockets", "/api/v1/agent/traffic")
_STREAM: Final = "/api/v1/stream"
_POLL: Final = "/api/v1/agent/spec"
_LONG_POLL: Final = seconds(120)  # longer than any
_DAY: Final = Number(24, "h")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """By which persons reach panel and API. ``judge``: what the names of its functions in gridwire.panel begin with;
    ``agents``: they ask here too, in the clear, inside the tunnel."""

    listener: str = str(ListenerKind.API)
    scheme: str = "http"
    judge: str = ""
    agents: bool = False

    @property
    def trustworthy(self) -> bool:
        """To browsers: what comes with TLS, or from the host they run on."""
        return self.scheme == "https" or bool(self.judge)


_MESH: Final = _Way(agents=True)
_SECURE: Final = _Way(scheme="https")
_BREAKGLASS: Final = _Way(listener="breakglass", judge="socket_")  # the far end of an ssh tunnel is a secure context


def breakglass(socket: str, access_log: Directive, *, panel: str) -> Directive:
    """Panel and API for root of this host, whatever became of the mesh; nginx makes its sockets 0666, so this one lies
    in a directory of root's."""
    return block(
        "server",
        (),
        directive("listen", UnixSocket(socket)),
        access_log,
        directive("error_page", *_BY_NGINX, _REFUSED),
        block("location", ("=", _REFUSED), directive("internal"), phase("content", "reason", "nginx")),
        *_api(panel, _BREAKGLASS),
    )


def server(listener: Listener, access_log: Directive, *, panel: str) -> Directive:
    """One listener on an address literal, and what it serves. ``panel``: the folder of the panel's files."""
    locations: dict[ListenerKind, Callable[[], tuple[Directive, ...]]] = {
        ListenerKind.ROUTES: _routes,
        ListenerKind.API: lambda: _api(panel, _MESH),
        ListenerKind.ENROL: _enrol,
        ListenerKind.TLS: _routes,
        ListenerKind.PANEL: lambda: _api(panel, _SECURE),
        ListenerKind.EDGE: _edge,
    }
    secure = listener.kind in SECURE
    # The panel's readers each hold a stream of events: HTTP/2 has it beside all else on one connection. Routes stay
    # with HTTP/1.1: the end of a withdrawn request there is the end of its connection, and of no other request.
    words = ("ssl", "http2") if listener.kind is ListenerKind.PANEL else ("ssl",) if secure else ()
    return block(
        "server",
        (),
        directive("listen", Literal(listener.address, listener.port), *words),
        *(_certificates() if secure else ()),
        access_log,
        directive("error_page", *_BY_NGINX, _REFUSED),
        *_most(*ZONES[_ZONES_OF.get(listener.kind, listener.kind)][:1]),
        block("location", ("=", _REFUSED), directive("internal"), phase("content", "reason", "nginx")),
        *locations[listener.kind](),
    )


def _certificates() -> tuple[Directive, ...]:
    """Shown by Lua, by name. nginx wants a certificate in its text all the same: one of a variable is looked at when
    it is asked for, which is never."""
    return (
        directive("ssl_certificate", "$gridwire_reason"),
        directive("ssl_certificate_key", "$gridwire_reason"),
        phase("ssl_certificate", "certificates", "show"),
        directive("error_page", "497", _PLAIN),
        block("location", ("=", _PLAIN), directive("internal"), phase("content", "certificates", "plain")),
        directive("ssl_protocols", "TLSv1.2", "TLSv1.3"),
        directive("ssl_session_cache", "shared:gridwire_tls:2m"),
        directive("ssl_session_tickets", "off"),
    )


def _most(*zones: Zone) -> tuple[Directive, ...]:
    return tuple(directive("limit_conn", zone.name, zone.most) for zone in zones)


def door(socket: str, *, counts: bool) -> Directive:
    """The agent's way in, in a directory of root's; nginx makes its own sockets 0666."""
    return block(
        "server",
        (),
        directive("listen", UnixSocket(socket)),
        directive("access_log", "off"),
        directive("client_max_body_size", Number(64, "m")),
        directive("client_body_buffer_size", Number(1, "m")),
        *(
            block("location", ("=", f"/{document}"), phase("content", "door", "put"))
            for document in ("routing", "edge", "health", "panel", "certificates")
        ),
        block("location", ("=", "/state"), phase("content", "door", "state")),
        block("location", ("=", "/check"), phase("content", "edge", "check_own")),
        block("location", ("=", "/metrics"), phase("content", "door", "metrics")),
        *((block("location", ("=", "/traffic"), phase("content", "door", "traffic")),) if counts else ()),
        block("location", ("/",), phase("content", "control", "nowhere")),
    )


def _routes() -> tuple[Directive, ...]:
    """What clients open. Most requests go straight through ``/``; 593 says that Lua has something else in mind.

    Errors are not intercepted: those of an application pass as they are, those of nginx's own have a page, and an edge
    that could not reach its application says so by X-Accel-Redirect (gridwire/lua/gridwire/edge.lua).
    """
    asked = directive("set", "$gridwire_asked", Quoted(_ASKED))
    reserved = (asked, phase("content", "gateway", "reserved"))
    return (
        phase("log", "gateway", "log"),
        block("location", ("=", "/.gridwire"), *reserved),
        block("location", ("/.gridwire/",), *reserved),
        block(
            "location",
            ("/",),
            asked,
            directive("set", "$gridwire_reason", _NONE),
            set_phase("$gridwire_service", "gateway", "route"),
            block("if", (Empty("$gridwire_service"),), directive("return", 593)),
            directive("client_max_body_size", 0),  # large ones are streamed; nginx would look before Lua could say so
            *_to_edge(),
        ),
        block("location", ("@aside",), phase("content", "gateway", "aside")),
        block("location", ("@retry",), phase("access", "gateway", "retry"), *_to_edge()),
        block("location", ("@upgrade",), *_to_edge("upgrade", "websocket")),
        block(
            "location",
            ("@stream",),
            *_to_edge(),
            directive("proxy_request_buffering", "off"),
            directive("client_max_body_size", 0),
        ),
        block("location", ("@own",), phase("content", "gateway", "own")),
    )


def _to_edge(connection: str = "", upgrade: str = "") -> tuple[Directive, ...]:
    return (
        directive("proxy_pass", "http://gridwire_pool"),
        directive("proxy_set_header", "Host", "$http_host"),
        directive("proxy_set_header", "Connection", Quoted(connection)),
        directive("proxy_set_header", "Upgrade", Quoted(upgrade)),
        directive("proxy_set_header", "X-Gridwire-Service", "$gridwire_service"),
        directive("proxy_set_header", "X-Gridwire-Peer", "$remote_addr"),
        directive("proxy_set_header", "X-Gridwire-Scheme", "$scheme"),
        directive("proxy_set_header", "X-Request-Id", "$gridwire_id"),
        directive("proxy_connect_timeout", seconds(1)),
        directive("proxy_send_timeout", seconds(60)),
        directive("proxy_read_timeout", seconds(65)),
        directive("proxy_buffer_size", Number(16, "k")),
        directive("proxy_buffers", 8, Number(16, "k")),
        directive("proxy_ignore_headers", *(name for name in IGNORED if name != "X-Accel-Redirect")),
        directive("proxy_next_upstream", "error", "timeout"),
        directive("proxy_next_upstream_timeout", seconds(30)),
        directive("recursive_error_pages", "on"),
        directive("error_page", "593", "=", "@aside"),
        directive("error_page", "500", "502", "504", "@own"),
        directive("error_page", *_BY_NGINX, _REFUSED),
    )


def _control(listener: str, *, scheme: str = "http", read: Number = _LONG_POLL) -> tuple[Directive, ...]:
    """To control. ``read``: for how long it may be silent."""
    return (
        directive("proxy_pass", "http://gridwire_control"),
        directive("proxy_set_header", "Host", "$http_host"),
        directive("proxy_set_header", "Connection", _NONE),
        directive("proxy_set_header", "X-Gridwire-Peer", "$remote_addr"),
        directive("proxy_set_header", "X-Gridwire-Listener", str(listener)),
        directive("proxy_set_header", "X-Gridwire-Scheme", scheme),
        directive("proxy_set_header", "X-Request-Id", "$gridwire_id"),
        directive("proxy_connect_timeout", seconds(3)),
        directive("proxy_read_timeout", read),
        directive("proxy_buffering", "off"),
        directive("proxy_next_upstream", "off"),
        directive("recursive_error_pages", "on"),
        directive("error_page", "502", "504", "=", "@wait"),
        directive("error_page", *_BY_NGINX, _REFUSED),
    )


def _small(kilobytes: int) -> tuple[Directive, ...]:
    """nginx takes a body before control can ask who sends it: one that fits in memory, and soon."""
    return (
        directive("client_max_body_size", Number(kilobytes, "k")),
        directive("client_body_timeout", seconds(10)),
    )


def _api(panel: str, way: _Way) -> tuple[Directive, ...]:
    """Control's API, for agents and persons, and the panel, which is a client of it and so has the same origin."""
    proxied = _control(way.listener, scheme=way.scheme)
    large = (directive("client_max_body_size", Number(AGENTS >> 20, "m")), *_most(*ZONES[ListenerKind.API]))
    ask = phase("access", "panel", f"{way.judge}api")
    agents = (
        (
            *(block("location", ("=", path), ask, *proxied, *large) for path in _LARGE),
            block("location", ("=", _POLL), phase("access", "panel", "poll"), *proxied),
        )
        if way.agents
        else (block("location", ("/api/v1/agent/",), phase("content", "control", "nowhere")),)
    )
    return (
        *_small(16),
        phase("log", "control", "log"),
        *agents,
        block(
            "location",
            ("=", _STREAM),
            phase("access", "panel", f"{way.judge}stream"),
            *_control(way.listener, scheme=way.scheme, read=_DAY),
        ),
        block("location", ("/api/",), ask, *proxied, directive("client_max_body_size", Number(PERSONS >> 10, "k"))),
        block("location", ("=", "/healthz"), ask, *proxied),
        block("location", ("=", "/ca.pem"), ask, phase("content", "certificates", "authority")),
        block("location", ("@wait",), phase("access", "control", "wait"), *proxied),
        *panel_files(panel, f"{way.judge}file", trustworthy=way.trustworthy),
    )


def _enrol() -> tuple[Directive, ...]:
    proxied = _control(ListenerKind.ENROL)
    return (
        *_small(4),
        block("location", ("/",), phase("access", "control", "enrol"), *proxied),
        block("location", ("@wait",), phase("access", "control", "wait"), *proxied),
    )


def _edge() -> tuple[Directive, ...]:
    """All services of an edge, for gateways. What says who the client is comes from the gateway alone, which got it
    from WireGuard; the rest is made here, so that the gateway need not send it."""
    return (
        phase("log", "edge", "log"),
        block("location", ("=", "/.gridwire/check"), phase("content", "edge", "check"), directive("access_log", "off")),
        block(
            "location",
            ("/",),
            phase("access", "edge", "access"),
            directive("proxy_pass", "http://gridwire_target"),
            directive("proxy_set_header", "Host", "$http_host"),
            directive("proxy_set_header", "Connection", "$gridwire_connection"),
            directive("proxy_set_header", "Upgrade", "$gridwire_upgrade"),
            directive("proxy_set_header", "X-Gridwire-Service", _NONE),
            directive("proxy_set_header", "X-Gridwire-Peer", "$http_x_gridwire_peer"),
            directive("proxy_set_header", "X-Real-IP", "$http_x_gridwire_peer"),
            directive("proxy_set_header", "X-Forwarded-For", "$http_x_gridwire_peer"),
            directive("proxy_set_header", "X-Forwarded-Proto", "$gridwire_scheme"),
            directive("proxy_set_header", "X-Gridwire-Scheme", _NONE),
            directive("proxy_set_header", "X-Forwarded-Host", "$http_host"),
            directive("proxy_set_header", "X-Request-Id", "$http_x_request_id"),
            directive("proxy_buffering", "off"),
            directive("proxy_buffer_size", Number(16, "k")),
            directive("proxy_buffers", 8, Number(16, "k")),
            directive("proxy_request_buffering", "off"),
            directive("proxy_next_upstream", "error"),
            directive("client_max_body_size", 0),
            directive("add_header", "X-Accel-Buffering", "$gridwire_buffering", "always"),
            directive("error_page", "502", "504", "@broken"),
            directive("error_page", *_BY_NGINX, _REFUSED),
        ),
        block("location", ("@broken",), phase("content", "edge", "broken")),
    )
