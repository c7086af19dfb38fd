"""nginx's text: what is in it, and above all what never is. A case is a folder: listeners.json, nginx.conf.

To accept a changed text: GRIDWIRE_ACCEPT=1 pytest tests/render/test_nginx_render.py, and read the diff.
"""

from __future__ import annotations

import json
import os
import random
import re
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import crossplane
import pytest

from gridwire.core.errors import Invalid
from gridwire.core.fleet import Balance
from gridwire.core.health import HealthCheck
from gridwire.core.proxy import Endpoint, Grant, Listener, ListenerKind, Pool, ProxySpec, RouteEntry, RoutingTable
from gridwire.render.nginx import Layout, render_config
from gridwire.render.nginx_tree import Account, Directive, Literal, Number, Quoted, UnixSocket, Word, emit
from gridwire.render.nginx_tree import Path as PathArgument
from gridwire.render.routing_data import document_digest, document_text, routing_data

CASES = sorted((Path(__file__).parent / "cases/nginx").iterdir())
LAYOUT = Layout(
    modules=("/usr/lib/nginx/modules/ndk_http_module.so", "/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    lua=("/usr/lib/gridwire/lua", "/usr/share/lua/5.1"),
)
GATEWAY = (Listener(ListenerKind.ROUTES, IPv4Address("10.85.0.1"), 80),)


def listeners_of(case: Path) -> tuple[Listener, ...]:
    entries = json.loads((case / "listeners.json").read_text())
    return tuple(Listener(ListenerKind(kind), ip_address(address), port) for kind, address, port in entries)


def parsed(text: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "nginx.conf"
    # crossplane's own Lua lexer knows the blocks only when told; their bodies are one token each.
    path.write_text(re.sub(r"_by_lua_block \{ (.*) \}$", "_by_lua 'x';", text, flags=re.MULTILINE))
    payload = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
    assert payload["status"] == "ok", payload["errors"]
    return list(payload["config"][0]["parsed"])


def walk(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [node for top in tree for node in (top, *walk(top.get("block", [])))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_text_is_as_accepted(case: Path) -> None:
    text = render_config(listeners_of(case), LAYOUT).text
    accepted = case / "nginx.conf"
    if os.environ.get("GRIDWIRE_ACCEPT"):
        accepted.write_text(text)
    assert text == accepted.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_listener_is_a_literal_or_the_door(case: Path, tmp_path: Path) -> None:
    nodes = walk(parsed(render_config(listeners_of(case), LAYOUT).text, tmp_path))
    listens = {node["args"][0] for node in nodes if node["directive"] == "listen"}
    wanted = {
        f"[{one.address}]:{one.port}" if one.address.version == 6 else f"{one.address}:{one.port}"
        for one in listeners_of(case)
    }
    kinds = {one.kind for one in listeners_of(case)}
    sockets = {"nginx.sock", "panel.sock"} if ListenerKind.API in kinds else {"nginx.sock"}
    assert listens == wanted | {f"unix:/run/gridwire/door/{name}" for name in sockets}  # a directory of root's
    assert not any(node["directive"] in ("include", "server_name", "resolver") for node in nodes)


def hostile(count: int) -> list[str]:
    source = random.Random(20261123)
    pieces = [
        *("{", "}", ";", "#", "'", '"', "\\", "\n", "\r", "\0", "$", "${host}", "`", "%", "..", "/", "//", " ", "\t"),
        *("lua_block { os.execute('id') }", "proxy_pass http://127.0.0.1;", "]]", "--[[", "\u2028", "é", "\ud7ff"),
        *("include /etc/passwd;", "*", "*.", "~", "^~", "@", "api", "grid", "10.85.0.1", ":", "=", "%0a", "%00", "|"),
    ]
    return ["".join(source.choices(pieces, k=source.randint(1, 8))) for _ in range(count)]


def table_of(text: str) -> RoutingTable:
    """A table with the string wherever a string can stand; control's own checks are not asked."""
    return RoutingTable(
        version=(1, 1),
        routes=(RouteEntry(name=text, host=text, path=text, grant=text, service=text),),
        grants=(Grant(id=text, addresses=(IPv4Address("10.85.1.1"),)),),
        pools=(
            Pool(
                service=text,
                balance=Balance.ROUND_ROBIN,
                retries=1,
                connect_timeout_ms=1000,
                read_timeout_ms=1000,
                send_timeout_ms=1000,
                health=HealthCheck(),
                endpoints=(Endpoint(node=text, address=IPv4Address("10.85.1.1"), port=1),),
            ),
        ),
    )


def test_ten_thousand_hostile_strings_leave_the_text_unchanged() -> None:
    before = render_config(GATEWAY, LAYOUT).text
    for text in hostile(10_000):
        spec = ProxySpec(listeners=GATEWAY, routing=table_of(text))
        assert spec.routing is not None
        assert json.loads(document_text(routing_data(spec.routing)))["routes"][0]["host"] == text
    assert render_config(spec.listeners, LAYOUT).text == before


def test_hostile_strings_are_refused_wherever_the_tree_takes_text() -> None:
    safe = re.compile(r"[A-Za-z0-9_$@=:./-]+")
    for text in hostile(2_000):
        for argument in (PathArgument(f"/run/{text}"), UnixSocket(f"/{text}"), Account(text), Word(text)):
            try:
                emitted = emit((Directive("pid", (argument,)),))
            except Invalid:
                continue
            assert safe.fullmatch(text), text
            assert emitted.count("\n") == 1
        if text != "''":  # the key of a map for an empty value
            with pytest.raises(Invalid):
                emit((Directive(text, (Number(1),)),))


@pytest.mark.parametrize(
    "bad",
    [
        Literal(IPv4Address("0.0.0.0"), 80),
        Literal(ip_address("::"), 80),
        Literal(ip_address("fe80::1%eth0"), 80),
        Literal(IPv4Address("10.85.0.1"), 0),
        Literal("10.85.0.1; include /etc/passwd", 80),  # type: ignore[arg-type]
        Number(-1),
        Number(1, "; x"),
        Quoted("it's"),
        PathArgument("relative"),
        PathArgument("/a/../b"),
        "plain",
    ],
    ids=repr,
)
def test_the_emitter_refuses_what_is_not_of_a_safe_class(bad: Any) -> None:
    with pytest.raises(Invalid):
        emit((Directive("listen", (bad,)),))


def test_the_text_tells_its_own_digest_and_documents_one_spelling() -> None:
    one, two = render_config(GATEWAY, LAYOUT), render_config(GATEWAY, LAYOUT)
    assert one == two
    assert one.digest in one.text
    text = document_text({"b": 1, "a": [2]})
    assert text == '{"a":[2],"b":1}\n'
    assert len(document_digest(text)) == 32


def test_an_application_cannot_steer_nginx() -> None:
    text = render_config(GATEWAY, LAYOUT).text
    assert "proxy_ignore_headers X-Accel-Redirect" in text
    assert "server_tokens off" in text
