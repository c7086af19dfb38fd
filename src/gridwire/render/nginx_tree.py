"""nginx's text as a typed tree, and the one emitter.

An argument is one of a few safe classes, and the emitter refuses whatever is not: a constant of this module's, a
number with a unit, an address literal with a port, an absolute path of safe characters, a call into gridwire's own
Lua. Nothing that a user named can be expressed, so there is nothing to escape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from gridwire.core.errors import Invalid
from gridwire.core.names import shown

_WORD: Final = re.compile(r"[A-Za-z0-9_$@=:./-]+")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9_.+@-]*)+")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_VARIABLE: Final = re.compile(r"\$[a-z_]{1,64}")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")

# Every directive that gridwire writes; a name that is not here is a mistake, or somebody's injection.
_DIRECTIVES: Final = """
    load_module user worker_processes worker_shutdown_timeout pid error_log events
    worker_connections http server listen location upstream keepalive keepalive_timeout keepalive_requests
    keepalive_time internal if set return log_format access_log default_type server_tokens merge_slashes
    server_name_in_redirect absolute_redirect port_in_redirect reset_timedout_connection tcp_nodelay tcp_nopush
    sendfile underscores_in_headers ignore_invalid_headers large_client_header_buffers client_header_buffer_size
    client_header_timeout client_body_timeout client_max_body_size client_body_buffer_size client_body_temp_path
    proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path send_timeout lua_package_path
    lua_shared_dict lua_socket_log_errors lua_max_pending_timers lua_max_running_timers init_by_lua_block
    init_worker_by_lua_block set_by_lua_block access_by_lua_block content_by_lua_block balancer_by_lua_block
    log_by_lua_block map default proxy_pass proxy_http_version proxy_set_header proxy_buffering
    proxy_request_buffering proxy_buffers proxy_buffer_size
    proxy_busy_buffers_size proxy_max_temp_file_size proxy_connect_timeout proxy_read_timeout proxy_send_timeout
    proxy_next_upstream proxy_next_upstream_timeout
    limit_conn_zone limit_conn limit_conn_status limit_conn_log_level
    proxy_ignore_headers proxy_socket_keepalive proxy_ignore_client_abort proxy_pass_header error_page
    recursive_error_pages add_header lingering_close allow deny
    root types charset charset_types try_files gzip_static gzip_vary max_ranges header_filter_by_lua_block
    ssl_certificate ssl_certificate_key ssl_certificate_by_lua_block ssl_protocols ssl_session_cache
    ssl_session_tickets
"""
DIRECTIVES: Final = frozenset(_DIRECTIVES.split())

_TYPE: Final = re.compile(r"[a-z]{4,11}/[a-z0-9][a-z0-9.+-]{1,30}")  # a key of ``types``

_MAP_KEYS: Final = frozenset({"''", "'~^[0-9]{1,5}$'", "'~^[0-9]{6,7}$'", "websocket", "no", "https"})


@dataclass(frozen=True, slots=True)
class Word:
    """A constant of gridwire's own source. ``text`` is checked all the same."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """A constant of gridwire's own source that needs nginx's single quotes: without ' and \\ in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """``unit``: nothing, k, m, g (bytes), s, ms, h (time)."""

    value: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    text: str


@dataclass(frozen=True, slots=True)
class LuaFolders:
    """Folders for lua_package_path."""

    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnixSocket:
    path: str


@dataclass(frozen=True, slots=True)
class Literal:
    """An address literal and a port; never a wildcard."""

    address: IPv4Address | IPv6Address
    port: int


@dataclass(frozen=True, slots=True)
class Account:
    """A system user that nginx's workers become."""

    name: str


@dataclass(frozen=True, slots=True)
class Empty:
    """The condition of an ``if``: a variable holds nothing."""

    variable: str


@dataclass(frozen=True, slots=True)
class Call:
    """``gridwire.<noun>.<function>()``, the body of a Lua block."""

    noun: str
    function: str


@dataclass(frozen=True, slots=True)
class Preload:
    """The Lua modules that init makes global, once, so that no request looks them up."""

    nouns: tuple[str, ...]
    path: str
    digest: str


Argument = Word | Quoted | Number | Path | LuaFolders | UnixSocket | Literal | Account | Empty | Call | Preload


@dataclass(frozen=True, slots=True)
class Directive:
    name: str
    arguments: tuple[Argument, ...] = ()
    block: tuple[Directive, ...] | None = None


def directive(name: str, *arguments: Argument | str | int) -> Directive:
    """A simple directive; str and int stand for Word and Number."""
    return Directive(name, tuple(_argument(argument) for argument in arguments))


def block(name: str, arguments: tuple[Argument | str, ...], *inner: Directive) -> Directive:
    return Directive(name, tuple(_argument(argument) for argument in arguments), inner)


def phase(name: str, noun: str, function: str) -> Directive:
    """``access_by_lua_block { gridwire.noun.function() }`` and its kind."""
    return Directive(f"{name}_by_lua_block", (Call(noun, function),))


def set_phase(variable: str, noun: str, function: str) -> Directive:
    """``set_by_lua_block $variable { return gridwire.noun.function() }``."""
    return Directive("set_by_lua_block", (Word(variable), Call(noun, function)))


def seconds(value: int) -> Number:
    return Number(value, "s")


def _argument(value: Argument | str | int) -> Argument:
    if isinstance(value, str):
        return Word(value)
    return Number(value) if isinstance(value, int) else value


def emit(tree: tuple[Directive, ...], depth: int = 0) -> str:
    """The text of a tree; raise Invalid for a directive or an argument that is not of a safe class."""
    return "".join(_line(directive, "    " * depth, depth) for directive in tree)


def _line(directive: Directive, indent: str, depth: int) -> str:
    name = directive.name
    if name not in DIRECTIVES and name not in _MAP_KEYS and not _TYPE.fullmatch(name):
        raise Invalid("nginx", f"{shown(name)} is not a directive that gridwire writes")
    if name.endswith("_by_lua_block"):
        *into, body = directive.arguments
        if into:
            (variable,) = into
            return f"{indent}{name} {_spell(variable)} {{ return {_lua(body)} }}\n"
        return f"{indent}{name} {{ {_lua(body)} }}\n"
    words = " ".join([name, *(_spell(argument) for argument in directive.arguments)])
    if directive.block is None:
        return f"{indent}{words};\n"
    return f"{indent}{words} {{\n{emit(directive.block, depth + 1)}{indent}}}\n"


def _spell(argument: Argument) -> str:
    match argument:
        case Word(text) if _WORD.fullmatch(text):
            return text
        case Quoted(text) if not set(text) & set("'\\\n"):
            return f"'{text}'"
        case Number(value, unit) if type(value) is int and value >= 0 and unit in ("", "k", "m", "g", "s", "ms", "h"):
            return f"{value}{unit}"
        case Path(text) if _safe_path(text):
            return text
        case LuaFolders(folders) if folders and all(_safe_path(folder) for folder in folders):
            return '"' + ";".join(f"{folder}/?.lua" for folder in folders) + ';;"'
        case UnixSocket(path) if _safe_path(path):
            return f"unix:{path}"
        case Literal(IPv4Address() as address, port) if _bindable(address, port):
            return f"{address}:{port}"
        case Literal(IPv6Address() as address, port) if _bindable(address, port) and address.scope_id is None:
            return f"[{address}]:{port}"
        case Empty(variable) if _VARIABLE.fullmatch(variable):
            return f"({variable} = '')"
        case Account(name) if _NAME.fullmatch(name):
            return name
    raise Invalid("nginx", f"{shown(repr(argument))} is not of a class that may stand in nginx's text")


def _lua(argument: Argument) -> str:
    match argument:
        case Call(noun, function) if _NAME.fullmatch(noun) and _NAME.fullmatch(function):
            return f"gridwire.{noun}.{function}()"
        case Preload(nouns, path, digest) if (
            all(_NAME.fullmatch(noun) for noun in nouns) and _safe_path(path) and _DIGEST.fullmatch(digest)
        ):
            loads = ", ".join(f'{noun} = require "gridwire.{noun}"' for noun in nouns)
            return f'gridwire = {{ {loads} }} gridwire.data.boot("{path}", "{digest}")'
    raise Invalid("nginx", f"{shown(repr(argument))} is not a call into gridwire's own Lua")


def _safe_path(text: str) -> bool:
    return len(text) <= 200 and _PATH.fullmatch(text) is not None and "/../" not in f"{text}/"


def _bindable(address: IPv4Address | IPv6Address, port: int) -> bool:
    return not address.is_unspecified and not address.is_multicast and type(port) is int and 1 <= port <= 65535
