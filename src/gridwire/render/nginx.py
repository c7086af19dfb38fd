"""nginx's configuration of one node: listeners and a few location classes. Everything else is data (routing_data).

The text depends on the node's listeners, on where things lie on the host, and on nothing else: no host, path,
header, service or policy is in it, so no change of those reloads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from gridwire.core.errors import Invalid
from gridwire.core.paths import CONTROL_SOCKET, DOOR_SOCKET, LOGS, NGINX_PID, NGINX_STATE, NGINX_USER
from gridwire.core.proxy import Listener, ListenerKind
from gridwire.render.nginx_servers import IGNORED, ZONES, breakglass, door, server
from gridwire.render.nginx_tree import (
    Account,
    Directive,
    LuaFolders,
    Number,
    Path,
    Preload,
    Quoted,
    UnixSocket,
    block,
    directive,
    emit,
    phase,
    seconds,
)

_NOUNS: Final = ("data", "gateway", "edge", "control", "panel", "certificates", "door", "reason")
_LOG_FORMAT: Final = (
    '{"time":"$time_iso8601","peer":"$remote_addr","method":"$request_method","host":"$http_host",'
    '"target":"$request_uri","status":$status,"bytes":$bytes_sent,"seconds":$request_time,'
    '"route":"$gridwire_route","service":"$gridwire_service","reason":"$gridwire_reason",'
    '"endpoint":"$upstream_addr","upstream_status":"$upstream_status","request_id":"$gridwire_id"}'
)
# An edge goes on with the id that the gateway gave.
_EDGE_LOG_FORMAT: Final = _LOG_FORMAT.replace("$gridwire_id", "$gridwire_request_id")
# Of each worker. A request through a gateway takes two, so that one peer's 4,096 (gridwire.gateway) take half of one
# worker's. Beyond that nginx closes kept-alive connections, the one that has been idle longest first.
WORKER_CONNECTIONS: Final = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where nginx finds and keeps things. ``modules``: files of ndk and lua, in this order; none if built in.

    ``lua``: gridwire's folder of Lua modules and Debian's. ``workers``: 0 for as many as there are processors.
    """

    modules: tuple[str, ...]
    lua: tuple[str, ...]
    state: str = NGINX_STATE
    pid: str = NGINX_PID
    door_socket: str = DOOR_SOCKET
    control_socket: str = CONTROL_SOCKET
    logs: str = LOGS
    user: str = NGINX_USER
    workers: int = 0

    @property
    def temporary(self) -> str:
        """Request and response bodies on their way; owned by ``user``."""
        return f"{self.state}/temp"

    @property
    def panel_socket(self) -> str:
        """Beside the door, in root's directory."""
        return f"{self.door_socket.rpartition('/')[0]}/panel.sock"

    @property
    def panel(self) -> str:
        """The panel's files, for the workers to read."""
        return f"{self.state}/panel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """``digest`` stands in the text too, so that a running nginx can say which text it runs."""

    text: str
    digest: str


def render_config(listeners: tuple[Listener, ...], layout: Layout) -> Config:
    """The whole of nginx.conf; raise Invalid for a listener or path that may not stand in it."""
    if not listeners:
        raise Invalid("listeners", "an nginx without listeners is none")
    blank = emit(_tree(listeners, layout, "0" * 32))
    digest = hashlib.sha256(blank.encode()).hexdigest()[:32]
    return Config(text=emit(_tree(listeners, layout, digest)), digest=digest)


def _tree(listeners: tuple[Listener, ...], layout: Layout, digest: str) -> tuple[Directive, ...]:
    return (
        *(directive("load_module", Path(module)) for module in layout.modules),
        directive("user", Account(layout.user)),
        directive("worker_processes", layout.workers or "auto"),
        directive("worker_shutdown_timeout", seconds(3600)),
        directive("pid", Path(layout.pid)),
        directive("error_log", Path(f"{layout.logs}/nginx-error.log"), "warn"),
        block("events", (), directive("worker_connections", WORKER_CONNECTIONS)),
        block("http", (), *_http(listeners, layout, digest)),
    )


def _http(listeners: tuple[Listener, ...], layout: Layout, digest: str) -> tuple[Directive, ...]:
    kinds = {listener.kind for listener in listeners}
    return (
        *_settings(layout),
        directive("lua_package_path", LuaFolders(layout.lua)),
        directive("lua_shared_dict", "gridwire_data", Number(64, "m")),
        directive("lua_shared_dict", "gridwire_state", Number(4, "m")),
        directive("lua_shared_dict", "gridwire_metrics", Number(16, "m")),
        *((directive("lua_shared_dict", "gridwire_traffic", Number(8, "m")),) if ListenerKind.ROUTES in kinds else ()),
        directive("lua_socket_log_errors", "off"),
        Directive("init_by_lua_block", (Preload(_NOUNS, layout.state, digest),)),
        phase("init_worker", "data", "start_worker"),
        *_limits(kinds),
        *_variables(kinds, digest),
        directive("log_format", "gridwire", "escape=json", Quoted(_LOG_FORMAT)),
        *(_gateway_upstreams() if ListenerKind.ROUTES in kinds else ()),
        *(_control_upstream(layout) if kinds & {ListenerKind.API, ListenerKind.ENROL} else ()),
        *(_edge_upstreams() if ListenerKind.EDGE in kinds else ()),
        *(
            server(
                listener,
                _access_log(layout, "gridwire_edge" if listener.kind is ListenerKind.EDGE else "gridwire"),
                panel=layout.panel,
            )
            for listener in sorted(listeners, key=Listener.place)
        ),
        *(
            (breakglass(layout.panel_socket, _access_log(layout, "gridwire"), panel=layout.panel),)
            if ListenerKind.API in kinds
            else ()
        ),
        door(layout.door_socket, counts=ListenerKind.ROUTES in kinds),
    )


def _access_log(layout: Layout, log_format: str) -> Directive:
    return directive("access_log", Path(f"{layout.logs}/access.log"), log_format, "buffer=64k", "flush=1s")


def _settings(layout: Layout) -> tuple[Directive, ...]:
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return (
        *(directive(f"{name}_temp_path", Path(f"{layout.temporary}/{name}")) for name in temporary),
        directive("default_type", "application/octet-stream"),
        directive("server_tokens", "off"),
        directive("merge_slashes", "on"),
        directive("absolute_redirect", "off"),
        directive("reset_timedout_connection", "on"),
        directive("underscores_in_headers", "off"),
        directive("tcp_nodelay", "on"),
        directive("keepalive_timeout", seconds(75)),
        # nginx closes a client's connection after so many requests, and one that is under way then is lost.
        directive("keepalive_requests", 1_000_000),
        directive("keepalive_time", Number(24, "h")),
        directive("client_header_timeout", seconds(10)),
        directive("client_body_timeout", seconds(60)),
        directive("send_timeout", seconds(60)),
        directive("large_client_header_buffers", 8, Number(16, "k")),
        directive("client_body_buffer_size", Number(128, "k")),
        directive("proxy_http_version", "1.1"),
        directive("proxy_socket_keepalive", "on"),
        directive("proxy_max_temp_file_size", 0),
        # An application must not steer nginx: X-Accel-Redirect would take a request past the matcher. (A gateway obeys
        # its edges', which hide that of applications: nginx_servers.)
        directive("proxy_ignore_headers", *IGNORED),
    )


def _limits(kinds: set[ListenerKind]) -> tuple[Directive, ...]:
    """How much of nginx one peer may take. A state is 64 bytes, so a zone of 1 MB knows 16,000 peers at once."""
    return (
        *(
            directive("limit_conn_zone", "$binary_remote_addr", f"zone={zone.name}:1m")
            for kind, zones in ZONES.items()
            for zone in zones
            if kind in kinds
        ),
        directive("limit_conn_status", 503),
        # A refusal is in access.log; in nginx-error.log one peer could write without end.
        directive("limit_conn_log_level", "info"),
    )


def _variables(kinds: set[ListenerKind], digest: str) -> tuple[Directive, ...]:
    return (
        # A request's id: this nginx, when, which connection, which request on it. nginx's own $request_id asks OpenSSL
        # for random numbers: 6.6 k of the 34 k instructions that a static proxy spends in user mode, and a getpid.
        block(
            "map",
            (Quoted(""), "$gridwire_id"),
            directive("default", f"{digest[:6]}-$msec-$connection-$connection_requests"),
        ),
        *(_edge_variables() if ListenerKind.EDGE in kinds else ()),
        *(_body_sizes() if ListenerKind.ROUTES in kinds else ()),
        # Set by Lua, where they are set at all; of maps, one from nothing costs least.
        *(
            block("map", (Quoted(""), f"$gridwire_{name}"), directive("default", Quoted("")))
            for name in ("route", "service", "reason")
        ),
    )


def _body_sizes() -> tuple[Directive, ...]:
    """Where a body may wait until it is answered: in memory (nothing), on disk, nowhere. By digits, so that leading
    zeros only make it larger."""
    return (
        block(
            "map",
            ("$content_length", "$gridwire_body"),
            directive("''", Quoted("")),
            directive("'~^[0-9]{1,5}$'", Quoted("")),
            directive("'~^[0-9]{6,7}$'", "disk"),
            directive("default", "stream"),
        ),
    )


def _edge_variables() -> tuple[Directive, ...]:
    return (
        # What the client spoke, as its gateway says; one of before TLS says nothing.
        block(
            "map",
            ("$http_x_gridwire_scheme", "$gridwire_scheme"),
            directive("https", "https"),
            directive("default", "http"),
        ),
        # Only WebSocket is upgraded: an h2c tunnel would carry requests that no policy sees.
        block(
            "map",
            ("$http_upgrade", "$gridwire_upgrade"),
            directive("websocket", "websocket"),
            directive("default", Quoted("")),
        ),
        block(
            "map",
            ("$http_upgrade", "$gridwire_connection"),
            directive("websocket", "upgrade"),
            directive("default", Quoted("")),
        ),
        block(
            "map",
            ("$http_x_request_id", "$gridwire_request_id"),
            directive("''", "$gridwire_id"),
            directive("default", "$http_x_request_id"),
        ),
        directive("log_format", "gridwire_edge", "escape=json", Quoted(_EDGE_LOG_FORMAT)),
        # An answer of unknown length is a stream: passed on as it comes, unless the application says otherwise.
        block(
            "map",
            ("$upstream_http_content_length", "$gridwire_by_length"),
            directive("''", "no"),
            directive("default", Quoted("")),
        ),
        block(
            "map",
            ("$upstream_http_x_accel_buffering", "$gridwire_buffering"),
            directive("''", "$gridwire_by_length"),
            directive("no", "no"),
            directive("default", "yes"),
        ),
    )


def _gateway_upstreams() -> tuple[Directive, ...]:
    return (
        block(
            "upstream",
            ("gridwire_pool",),
            # As many as a request may have tries (core.fleet): Lua picks, and says when it is enough.
            *(directive("server", "0.0.0.1"),) * 11,
            phase("balancer", "gateway", "balance"),
            directive("keepalive", 256),
            directive("keepalive_timeout", seconds(60)),
            directive("keepalive_requests", 1_000_000),
            directive("keepalive_time", Number(24, "h")),
        ),
    )


def _control_upstream(layout: Layout) -> tuple[Directive, ...]:
    return (
        # Not kept alive: control may restart at any time, and a POST must not meet its closing connection.
        block("upstream", ("gridwire_control",), directive("server", UnixSocket(layout.control_socket), "max_fails=0")),
    )


def _edge_upstreams() -> tuple[Directive, ...]:
    return (
        block(
            "upstream",
            ("gridwire_target",),
            directive("server", "0.0.0.1"),
            phase("balancer", "edge", "balance"),
            directive("keepalive", 256),
            # uvicorn closes idle connections after 5 s; a request that crosses its FIN would be lost.
            directive("keepalive_timeout", seconds(2)),
            directive("keepalive_requests", 1_000_000),
        ),
    )
