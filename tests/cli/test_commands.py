"""The nouns of the CLI against a real control: what they answer, to a person and to a machine."""

from __future__ import annotations

import json
import os
import select
import socketserver
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gridwire.adapters.settings import load
from gridwire.agent.state_dir import AgentState
from gridwire.cli.events import PAGE
from gridwire.cli.grid import listing
from gridwire.cli.status import _screen, healthy
from gridwire.control.paging import MOST
from gridwire.core.enrollment import decode_token
from gridwire.core.fleet import Node, NodeState, Role, Route, Service
from gridwire.core.health import Health
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.perimeter import Finding, Severity
from gridwire.protocol.agent import ApplyState
from gridwire.protocol.api import EndpointView, NodeView, RouteOutcome, Status


def parsed(grid: Any, *arguments: str) -> Any:
    ran = grid(*arguments, "-o", "json")
    assert ran.code in (0, 3), ran.err
    return json.loads(ran.out)


def test_an_invitation_is_a_token_that_join_takes(grid: Any) -> None:
    said = parsed(grid, "invite", "invited", "--tag", "site=a", "--ttl", "2h", "--reach", "127.0.0.1:9000")
    token = decode_token(said["token"])
    assert (token.node, token.role, str(token.address)) == ("invited", "edge", said["address"])
    assert token.gateways[0].endpoint == "gw.example.com:51820"
    assert 7000 < (token.expires - datetime.now(UTC)).total_seconds() <= 7200
    assert said["command"] == "gridwire join --reach 127.0.0.1:9000"
    assert said["token"] not in said["command"]


@pytest.mark.parametrize("reach", ["10.85.1.9:80", "10.85.0.0/24:443"])
def test_join_consents_to_nothing_on_the_mesh(grid: Any, reach: str) -> None:
    token = parsed(grid, "invite", f"on-mesh-{len(reach)}")["token"]
    ran = grid("join", "--reach", reach, stdin=token)
    assert ran.code == 2
    assert f"gridwire: --reach: {reach} is on the mesh 10.85.0.0/16" in ran.err


def test_an_edge_is_published_when_it_has_joined(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before: a service that selects a node which is only invited lets it in on an operator's yes alone."""
    seen: list[str] = []

    def joined(node: str, settings: str) -> None:
        seen.extend(str(service.name) for service in listing("/services", Service, settings))

    monkeypatch.setattr("gridwire.cli.invite._wait", joined)
    ran = grid("invite", "shop", "--publish", "web=127.0.0.1:9000", "--allow", "role:edge,role:client")
    assert ran.code == 0, ran.err
    assert decode_token(ran.out).node == "shop"
    assert "web" not in seen
    service = parsed(grid, "service", "show", "web")
    assert "shop" in json.dumps(service["on"])
    route = parsed(grid, "route", "show", "web")
    assert (route["to"], len(route["allow"])) == ("web", 2)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--allow", "role:edge"), "--publish"),
        (("--publish", "web"), "publish"),
        (("--publish", "web=127.0.0.1:9000", "--role", "client"), "publish"),
        (("--publish", "web=127.0.0.1:9000", "--approve"), "publish"),
    ],
)
def test_what_cannot_be_published_is_said_before_anybody_is_invited(
    grid: Any, options: tuple[str, ...], named: str
) -> None:
    ran = grid("invite", "never", *options)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err
    assert grid("node", "show", "never").code == 2


def test_for_a_person_only_the_token_stands_on_stdout(grid: Any) -> None:
    ran = grid("invite", "alone")
    assert ran.code == 0
    assert ran.out.count("\n") == 1
    assert decode_token(ran.out).node == "alone"
    assert "gridwire join" in ran.err


def test_a_name_is_given_once(grid: Any) -> None:
    assert grid("invite", "once").code == 0
    ran = grid("invite", "once")
    assert ran.code == 1
    assert ran.out == ""
    assert "--replace" in ran.err


def test_a_device_gets_a_configuration_that_only_its_owner_can_read(grid: Any, tmp_path: Path) -> None:
    path = tmp_path / "phone.conf"
    ran = grid("invite", "phone", "--role", "client", "--config", str(path))
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    address = parsed(grid, "node", "show", "phone")["node"]["address"]
    assert f"Address = {address}/32" in text
    assert "AllowedIPs = 10.85.0.1/32" in text
    assert "Endpoint = gw.example.com:51820" in text
    private = text.split("PrivateKey = ")[1].split("\n")[0]
    assert private not in ran.out + ran.err
    again = grid("invite", "tablet", "--role", "client", "--config", str(path))
    assert again.code == 1
    assert path.read_text() == text
    assert grid("node", "show", "tablet").code == 2


def test_a_device_shows_its_configuration_as_qr(grid: Any) -> None:
    ran = grid("invite", "laptop", "--role", "operator", "--qr")
    assert ran.code == 0
    assert len(ran.out.splitlines()) > 20
    assert "PrivateKey" not in ran.out
    # What is advised works in a grid with nodes, where `domain:` is fixed.
    assert "gridwire route add --host api.example.com" in ran.err
    assert "api.example.com A 10.85.0.1" in ran.err
    assert "domain:" not in ran.err


def test_publishing_and_routing_say_what_they_did_and_for_whom(grid: Any) -> None:
    grid("invite", "reader", "--role", "client", "--tag", "reads=yes", "--qr")
    grid("invite", "boss", "--role", "operator", "--qr")
    to = ("--to", "127.0.0.1:9000", "--on", "tag:site=none", "--health", "http:/z")
    published = grid("service", "publish", "told", *to)
    assert published.code == 0, published.err
    assert published.out.startswith("told → 127.0.0.1:9000, no endpoint yet\n")
    added = grid("route", "add", "--host", "told", "--to", "told", "--allow", "tag:reads=yes")
    assert added.code == 0, added.err
    assert "http://told.grid/ → told" in added.out
    assert "Can open it: reader. Cannot: " in added.out
    assert "boss" in added.out.split("Cannot: ")[1].splitlines()[0]
    assert parsed(grid, "route", "show", "told")["allow"] == [{"kind": "tag", "value": "reads=yes"}]


def test_publishing_again_changes_it(grid: Any) -> None:
    grid("service", "publish", "twice", "--to", "127.0.0.1:9000", "--on", "role:edge")
    grid("service", "publish", "twice", "--to", "unix:/run/app.sock", "--on", "role:edge", "--retries", "0")
    services = [s for s in parsed(grid, "service", "list") if s["name"] == "twice"]
    assert [(s["target"]["path"], s["retries"]) for s in services] == [("/run/app.sock", 0)]


def test_how_often_a_service_is_checked_is_given_and_shown(grid: Any) -> None:
    to = ("--to", "127.0.0.1:9000", "--on", "role:edge", "--health", "http:/z")
    pace = ("--interval", "2s", "--timeout", "500ms", "--rise", "3", "--fall", "1")
    assert grid("service", "publish", "paced", *to, *pace).code == 0
    check = parsed(grid, "service", "show", "paced")["health"]
    assert [check[field] for field in ("interval_ms", "timeout_ms", "rise", "fall")] == [2000, 500, 3, 1]
    assert "every 2s, timeout 500ms, rise 3, fall 1" in grid("service", "show", "paced").out
    assert "http:/z, every 2s, timeout 500ms, rise 3, fall 1" in grid("service", "list").out
    assert grid("service", "publish", "paced", *to, "--interval", "1m").code == 0
    assert "http:/z, every 1m  " in grid("service", "list").out
    assert "every 1m, timeout 1s, rise 2, fall 2" in grid("service", "show", "paced").out


def test_a_route_to_nothing_is_refused_and_changes_nothing(grid: Any) -> None:
    before = parsed(grid, "revision", "list")
    ran = grid("route", "add", "--host", "void", "--to", "void", "--allow", "role:client")
    assert ran.code == 2
    assert ran.err.startswith("gridwire: to: there is no service void")
    assert parsed(grid, "revision", "list") == before


def test_removing_asks_for_what_stands_on_it_first(grid: Any) -> None:
    grid("service", "publish", "gone", "--to", "127.0.0.1:9000", "--on", "role:edge")
    grid("policy", "set", "gone", "--allow", "role:client,tag:site=a")
    grid("route", "add", "--host", "gone", "--to", "gone", "--allow", "policy:gone")
    assert grid("service", "remove", "gone", "--yes").code == 1
    assert grid("policy", "remove", "gone", "--yes").code == 1
    for noun in ("route", "service", "policy"):
        assert "gone" in grid(noun, "list").out
        assert grid(noun, "remove", "gone", "--yes").code == 0
        assert "gone" not in grid(noun, "list").out
    assert grid("route", "remove", "gone", "--yes").code == 2


def test_tags_are_set_and_taken_off(grid: Any) -> None:
    grid("invite", "tagged", "--tag", "site=a")
    grid("node", "tag", "tagged", "rack=3", "site-")
    assert parsed(grid, "node", "show", "tagged")["node"]["tags"] == [["rack", "3"]]


def test_draining_and_back(grid: Any) -> None:
    grid("invite", "wet")
    assert parsed(grid, "node", "drain", "wet")["node"]["drained"] is True
    assert "drained" in grid("node", "list").out
    assert parsed(grid, "node", "undrain", "wet")["node"]["drained"] is False


def test_revoking_where_the_gateway_is_away_is_not_finished(grid: Any) -> None:
    grid("invite", "lost", "--role", "client", "--qr")
    ran = grid("node", "revoke", "lost", "--yes")
    assert ran.code == 3
    assert "gw" in ran.err


def test_a_yes_to_revoking_is_to_the_node_that_was_shown(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    grid("invite", "shown", "--role", "client", "--qr")
    asked: list[str] = []

    def answer(question: str, *, yes: bool, otherwise: str) -> bool:
        asked.append(question)
        assert grid("node", "tag", "shown", "site=a").code == 0  # somebody else, while the question stands there
        return True

    monkeypatch.setattr("gridwire.cli.output.interactive", lambda: True)
    monkeypatch.setattr("gridwire.cli.node.confirmed", answer)
    ran = grid("node", "revoke", "shown")
    assert ran.code == 1
    assert "somebody changed it" in ran.err
    assert asked[0].startswith("Revoke shown (client, 10.85.")
    assert parsed(grid, "node", "show", "shown")["node"]["state"] == "active"
    assert grid("node", "approve", "shown").code == 0, "it is active already"


def test_status_is_unhealthy_while_the_gateway_is_silent(grid: Any) -> None:
    ran = grid("status")
    assert ran.code == 3
    assert "gw" in ran.out
    assert {"nodes", "routes", "findings"} <= set(parsed(grid, "status"))


def test_the_perimeter_of_a_silent_gateway_is_unknown(grid: Any) -> None:
    ran = grid("perimeter")
    assert ran.code == 3
    assert "unknown: gw" in ran.out
    assert "its agent has said nothing since control started" in " ".join(ran.out.split())
    assert parsed(grid, "perimeter")["verdict"]["state"] == "unknown"
    assert parsed(grid, "perimeter", "gw")["node"]["state"] == "unknown"
    assert "no node 'nobody'" in grid("perimeter", "nobody").err


def test_a_route_without_an_endpoint_is_unhealthy() -> None:
    nobody: dict[str, Any] = {"version": "0", "suffix": "grid", "epoch": 1, "revision": 1, "nodes": ()}
    nobody |= {"services": (), "health": (), "findings": ()}
    route = RouteOutcome(
        route=Route(name="api", host="api", to="api"), url="", endpoints=(), can_open=(), cannot_open=()
    )
    up = EndpointView(node="home-1", health=Health.UP)
    assert healthy(Status(**nobody, routes=()))
    assert healthy(Status(**nobody, routes=(replace(route, endpoints=(up,)),)))
    assert not healthy(Status(**nobody, routes=(route,)))


def test_a_failed_apply_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(id="nginx", severity=Severity.CRITICAL, where="proxy", what="nginx refused it", fix="see its log")
    view = NodeView(
        node=Node(name="web", role=Role.EDGE, state=NodeState.ACTIVE, address=ip_address("10.85.1.0")),
        state=ApplyState.FAILED,
        detail="nginx refused it: see its log",
        findings=(finding,),
    )
    seen = Status(
        version="0", suffix="grid", epoch=1, revision=1, nodes=(view,), routes=(), services=(), health=(),
        findings=(("web", finding),),
    )  # fmt: skip
    _screen(seen, None)
    assert capsys.readouterr().out.count("nginx refused it") == 1
    _screen(replace(seen, findings=()), None)
    assert capsys.readouterr().out.count("nginx refused it") == 1


def test_a_service_is_shown_with_its_endpoints(grid: Any) -> None:
    grid("service", "publish", "shown", "--to", "127.0.0.1:9000", "--on", "role:edge")
    shown = parsed(grid, "service", "show", "shown")
    assert (shown["name"], shown["endpoints"]) == ("shown", [])
    assert grid("service", "show", "nosuch").code == 2


def test_what_is_removed_is_told_to_machines(grid: Any) -> None:
    grid("service", "publish", "leaving", "--to", "127.0.0.1:9000", "--on", "role:edge")
    grid("policy", "set", "leaving", "--allow", "role:client")
    grid("route", "add", "--host", "leaving", "--to", "leaving", "--allow", "policy:leaving")
    for noun in ("route", "service", "policy"):
        assert parsed(grid, noun, "remove", "leaving", "--yes") == {noun: "leaving", "state": "removed"}


def test_the_reach_list_is_told_to_machines_and_never_holds_the_mesh(grid: Any) -> None:
    twice = ("127.0.0.1:9007", "127.0.0.1:9007")
    assert parsed(grid, "reach", "add", *twice) == ["127.0.0.1:9000", "127.0.0.1:9007"]
    assert parsed(grid, "reach", "remove", "127.0.0.1:9007") == ["127.0.0.1:9000"]
    ran = grid("reach", "add", "10.85.0.1:80")
    assert ran.code == 2
    assert "10.85.0.1:80 is on the mesh" in ran.err
    assert parsed(grid, "reach", "list") == ["127.0.0.1:9000"]
    assert grid("reach", "add", "10.0.0.0/8:80").code == 0, "a LAN that is larger than the mesh is a LAN"
    grid("reach", "remove", "10.0.0.0/8:80")


def test_events_are_read_in_pages(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("page-a", "page-b", "page-c"):
        grid("policy", "set", name, "--allow", "role:client")
    assert PAGE <= MOST
    monkeypatch.setattr("gridwire.cli.events.PAGE", 2)
    for asked in ((), ("--after", "0")):
        numbers = [event["number"] for event in parsed(grid, "events", "--limit", "10000", *asked)]
        assert numbers == list(range(1, len(numbers) + 1)), asked
        assert len(numbers) > 3
    newest = parsed(grid, "events", "--limit", "2")
    assert [event["subject"] for event in newest] == ["page-b", "page-c"]
    assert parsed(grid, "events", "--after", str(newest[0]["number"])) == newest[1:]
    first = parsed(grid, "events", "--after", "0", "--limit", "1")
    assert [event["number"] for event in first] == [1]
    for wrong in (("--limit", "0"), ("--limit", "10001"), ("--after", "-1")):
        ran = grid("events", *wrong)
        assert ran.code == 2, ran.err


def test_notifications_are_set_tried_and_removed(grid: Any) -> None:
    lines = "https://127.0.0.1:1/s3cret\nkey\n"
    added = grid("notify", "add", "hook", "--webhook", "--only", "node-down", stdin=lines)
    assert added.code == 0, added.err
    assert "s3cret" not in added.out + added.err
    assert [one["told"] for one in parsed(grid, "notify", "list")] == ["https://127.0.0.1:1/…"]
    tried = grid("notify", "test", "hook")
    assert (tried.code, "it is this host" in tried.out) == (3, True)
    assert "nothing is sent to" in grid("notify", "list").out
    assert grid("notify", "remove", "hook", "--yes").code == 0
    assert parsed(grid, "notify", "list") == []
    for wrong in ((), ("--webhook", "--mail", "a@b.example"), ("--mail", "a@b.example")):
        assert grid("notify", "add", "hook", *wrong).code == 2
    assert grid("notify", "alerts").code == 0


def test_maintenance_begins_and_ends(grid: Any) -> None:
    begun = parsed(grid, "maintenance", "begin", "all", "--last", "30m", "--reason", "disk")
    assert [one["id"] for one in parsed(grid, "maintenance", "list")] == [begun["id"]]
    assert grid("maintenance", "end", begun["id"]).code == 0
    assert parsed(grid, "maintenance", "list") == []
    assert grid("maintenance", "begin", "node:nobody").code == 2
    assert grid("maintenance", "begin", "all", "--last", "soon").code == 2


def test_traffic_is_said_in_figures_and_its_absence_too(grid: Any) -> None:
    none = grid("traffic")
    assert (none.code, none.out) == (0, "")
    assert "no request came" in none.err
    lines = grid("traffic", "shop", "--last", "30s").out.splitlines()
    assert lines[0].split() == ["FROM", "REQUESTS", "/S", "ERRORS", "OWN", "P50", "P95", "P99", "IN", "OUT"]
    assert 30 <= len(lines) - 1 <= 31
    assert lines[1].split()[2:] == ["0", "0.0", "0", "0", "-", "-", "-", "0", "B", "0", "B"]
    for wrong in ("5", "0m", "x"):
        assert grid("traffic", "--last", wrong).code == 2


@pytest.mark.parametrize(
    "command",
    [
        ("node", "list"),
        ("node", "show", "gw"),
        ("service", "list"),
        ("route", "list"),
        ("policy", "list"),
        ("revision", "list"),
        ("revision", "show", "1"),
        ("events",),
        ("status",),
        ("notify", "list"),
        ("maintenance", "list"),
        ("traffic",),
        ("traffic", "shop", "--last", "6h"),
        ("reach", "list"),
    ],
    ids=" ".join,
)
def test_json_and_yaml_say_the_same(command: tuple[str, ...], grid: Any) -> None:
    as_json = json.loads(grid(*command, "-o", "json").out)
    as_yaml = YAML(typ="safe").load(grid(*command, "-o", "yaml").out)
    assert json.loads(json.dumps(as_yaml, default=str)).__class__ is as_json.__class__
    assert len(as_yaml) == len(as_json)


def test_an_altered_audit_chain_is_named_with_exit_code_3(own_control: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cli, database = own_control
    monkeypatch.setattr("gridwire.cli.events.PAGE", 2)
    for name in ("n1", "n2", "n3", "n4"):
        assert cli("invite", name).code == 0
    last = json.loads(cli("events", "-o", "json").out)[-1]
    whole = cli("events", "--verify")
    assert whole.code == 0, whole.err
    assert whole.out.startswith(f"{last['number']} events, each follows")
    assert last["hash"] in whole.out

    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE events SET detail = 'nothing happened' WHERE number = 3")
    connection.close()
    broken = cli("events", "--verify")
    assert broken.code == 3
    assert broken.out.startswith("event 3 does not follow from event 2")
    assert "audit-head" in broken.err
    told = cli("events", "--verify", "-o", "json")
    assert told.code == 3
    said = json.loads(told.out)
    assert (said["ok"], said["broken"]["number"], said["head"]["number"]) == (False, 3, 2)


class Door(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """nginx's door, as far as it tells what it counts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = b'gridwire_refusals_total{reason="not-allowed"} 2\n' if self.path == "/metrics" else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: object) -> None:
            pass

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        super().__init__(str(path), self.Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_metrics_are_those_of_control_and_of_nginx_together(own_control: Any, settings_file: Path) -> None:
    cli, _ = own_control
    settings = load(settings_file)
    unjoined = cli("metrics")
    assert (unjoined.code, "gridwire init" in unjoined.err) == (2, True)
    AgentState(settings.paths.agent_state).save_identity(
        JoinedAs(
            node=NodeName("gw"),
            role=Role.GATEWAY,
            address=ip_address("10.85.0.1"),
            prefix=ip_network("10.85.0.0/16"),
            interface=Interface("gw0"),
            suffix=HostName("grid"),
        )
    )
    alone = cli("metrics")
    assert alone.code == 3
    assert "gridwire_revision 1.0" in alone.out
    assert "nginx is away" in alone.err

    door = Door(Path(settings.paths.door_socket))
    try:
        both = cli("metrics")
    finally:
        door.shutdown()
        door.server_close()
    assert (both.code, both.err) == (0, "")
    assert both.out.startswith("# HELP")
    assert "gridwire_revision 1.0" in both.out
    assert both.out.endswith('gridwire_refusals_total{reason="not-allowed"} 2\n')


def test_a_pipe_gets_the_token_before_the_waiting_ends(grid: Any, settings_file: Path) -> None:
    for output, first in (("table", "gw1_"), ("json", "{")):
        command = ["invite", f"waited-{output}", "--wait", "-o", output, "--settings", str(settings_file)]
        whole = [sys.executable, "-P", "-m", "gridwire.cli.main", *command]
        buffering = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        with subprocess.Popen(
            whole, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=buffering
        ) as waiting:
            assert waiting.stdout is not None
            try:
                ready, _, _ = select.select([waiting.stdout], [], [], 15)
                assert ready, "nothing came out"
                assert waiting.stdout.readline().startswith(first)
                assert waiting.poll() is None
            finally:
                waiting.terminate()


def test_an_invitation_that_is_out_can_be_watched_later(grid: Any, settings_file: Path) -> None:
    assert grid("invite", "watched").code == 0
    command = ["invite", "watched", "--wait", "--settings", str(settings_file)]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "gridwire.cli.main", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stderr is not None
        assert watching.stdout is not None
        assert "is invited already" in watching.stderr.readline()
        assert watching.stderr.readline().startswith("watched: invited, ")
        assert grid("invite", "watched", "--cancel").code == 0
        assert watching.wait(20) == 3
        assert watching.stdout.read() == ""


def test_an_invitation_is_taken_back(grid: Any) -> None:
    assert grid("invite", "unwanted").code == 0
    ran = grid("invite", "unwanted", "--cancel")
    assert (ran.code, ran.out) == (0, "the invitation of unwanted is cancelled: its token is no good any more\n"), (
        ran.err
    )
    assert grid("invite", "unwanted").code == 0, "the name is free again"
    assert grid("invite", "never-invited", "--cancel").code == 2


def test_a_second_replacement_names_the_command_that_takes_the_first_back(grid: Any) -> None:
    assert grid("invite", "old", "--role", "client", "--qr").code == 0
    first = grid("invite", "old", "--replace", "--role", "client")
    assert "the old old is revoked at that moment" in first.err
    second = grid("invite", "old", "--replace", "--role", "client")
    assert second.code == 1
    command = next(line.partition("gridwire ")[2] for line in second.err.splitlines() if "--cancel" in line)
    assert grid(*command.split()).code == 0, command
    assert grid("invite", "old", "--replace", "--role", "client").code == 0


def test_the_api_is_printed_without_a_grid(cli: Any) -> None:
    schema = json.loads(cli("openapi").out)
    assert schema["paths"]["/api/v1/routes/{name}"]["put"]["operationId"] == "putRoute"
    assert "RouteOutcome" in schema["components"]["schemas"]
