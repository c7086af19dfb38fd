"""From what agents say to what people are told: once, in silence where asked, after restarts, and to real receivers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.control.test_control_perimeter import ROUTES, SSH, WIREGUARD, WIREGUARD6, socket, well
from tests.sinks import Web, web

from gridwire.adapters.destinations import Sender
from gridwire.adapters.sealing import seal_of
from gridwire.adapters.store import open_store
from gridwire.control.app import create_app
from gridwire.control.follower import Follower
from gridwire.control.grid import Grid
from gridwire.control.logins import Logins
from gridwire.control.teller import GIVEN_UP, PAUSES, Teller
from gridwire.core.names import NodeName
from gridwire.protocol.traffic import Counted, Second

REACH = [{"prefix": "127.0.0.1/32", "first_port": 9000, "last_port": 9000, "kind": "tcp"}]
SECRET = "/hook/s3cret"


class Told:
    """A grid that tells a real receiver; ``beat``: agents report, time passes, the grid is looked at, notices go."""

    def __init__(self, world: Any, folder: Path, sink: Web) -> None:
        self.world, self.folder, self.sink = world, folder, sink
        self.edge = world.join("edge")
        world.publish(on="role:edge")
        world.route()
        self.restart()
        body = {"to": {"kind": "webhook", "url": f"http://127.0.0.1:{sink.port}{SECRET}", "key": "s3cret"}}
        answer = world.local.put("/api/v1/notifications/hook", json=body)
        assert answer.status_code == 200, answer.text

    def restart(self) -> None:
        world = self.world
        world.store.close()
        world.store = open_store(world.url)
        logins = Logins(seal=seal_of(self.folder / "seal.key"))
        world.grid = Grid(world.store, clock=world.clock, logins=logins)
        world.grid.teller = Teller(world.grid, Sender(lambda _: ""))
        world.app = create_app(world.grid, control_socket="/run/test/control.sock", local_socket="/run/test/local.sock")
        self.follower = Follower(world.grid, structlog.get_logger())

    def beat(
        self, seconds: int, *, health: str = "up", edge: bool = True, quiet: bool = False
    ) -> list[tuple[str, str]]:
        """What the receiver got meanwhile: (turn, subject)."""
        before = len(self.sink.got)
        for _ in range(0, seconds, 5):
            self.world.clock.forward(seconds=5)
            if not quiet:
                self.report(health=health, edge=edge)
            self.said = self.follower.look()
            self.bring()
        return [(body["turn"], body["subject"]) for body in self.sink.bodies()[before:]]

    def bring(self) -> None:
        while asyncio.run(self.world.grid.teller._round()) == 0.0:
            pass

    def report(self, *, health: str, edge: bool) -> None:
        world = self.world
        old = {} if edge else {"latest_handshake": "2029-01-01T00:00:00Z"}
        check = {"service": "api", "node": "edge", "seen_by": "gw", "health": health, "reason": ""}
        world.report(peers=[world.peer_seen(self.edge.key, **old)], endpoints=[check])
        if edge:
            asked = world.peer(self.edge.address, credential=self.edge.credential)
            body = {
                "node": "edge",
                "at": world.clock.now.isoformat(),
                "agent_version": "0",
                "version": [1, 1],
                "state": "in-sync",
                "reach": REACH,
            }
            assert asked.post("/api/v1/agent/report", json=body).is_success

    def alerts(self) -> list[tuple[str, str, bool]]:
        items = self.world.local.get("/api/v1/alerts").json()["items"]
        return [(item["kind"], item["subject"], item["silent"]) for item in items]


@pytest.fixture
def told(world: Any, tmp_path: Path) -> Iterator[Told]:
    with web() as sink:
        made = Told(world, tmp_path, sink)
        assert made.beat(90) == []
        yield made
        made.world.store.close()


def test_an_endpoint_that_dies_is_told_and_its_return_too(told: Told) -> None:
    assert told.beat(60, health="down") == [("opened", "api")]
    assert told.alerts() == [("route-failing", "api", False)]
    assert told.sink.bodies()[-1]["what"].startswith("no endpoint of api serves: edge")
    assert told.beat(60) == [("cleared", "api")]
    assert told.alerts() == []


def test_a_node_that_is_gone_is_told_with_what_fails_by_it(told: Told) -> None:
    found = told.beat(90, edge=False)
    assert sorted(found) == [("opened", "api"), ("opened", "edge")]
    assert told.world.local.get("/api/v1/alerts").json()["items"][0]["fix"]


def test_nothing_is_told_of_what_nobody_sees(told: Told) -> None:
    """No gateway reports: whether the edge is there nobody knows."""
    found = told.beat(300, quiet=True)
    assert ("opened", "gw") in found
    assert ("opened", "edge") not in found


def test_a_restart_sends_nothing_again_and_forgets_no_end(told: Told) -> None:
    assert told.beat(60, health="down") == [("opened", "api")]
    told.restart()
    assert told.beat(120, health="down") == []
    assert told.alerts() == [("route-failing", "api", False)]
    told.restart()
    assert told.beat(120) == [("cleared", "api")]


def test_a_fault_while_control_was_away_is_told_after_it(told: Told) -> None:
    told.restart()
    assert told.beat(120, health="down") == [("opened", "api")]


def test_notices_wait_for_a_receiver_that_is_away_and_outlive_control(told: Told) -> None:
    told.sink.answers = [500, 503]
    assert told.beat(45, health="down") == [("opened", "api"), ("opened", "api")]  # the first try, and ten seconds on
    shown = told.world.local.get("/api/v1/notifications/hook").json()
    assert (shown["waiting"], shown["delivery"]["ok"]) == (1, False)
    assert "503" in shown["delivery"]["what"]
    told.restart()
    assert told.beat(60, health="down") == [("opened", "api")]
    assert len({body["id"] for body in told.sink.bodies()}) == 1
    shown = told.world.local.get("/api/v1/notifications/hook").json()
    assert (shown["waiting"], shown["delivery"]) == (
        0,
        {"at": shown["delivery"]["at"], "ok": True, "what": "delivered"},
    )


def test_tries_come_rarer_and_end(told: Told) -> None:
    told.sink.answers = [500] * 1000
    told.beat(40, health="down")
    count = len(told.sink.got)
    begun = told.world.clock.now
    while told.world.local.get("/api/v1/notifications/hook").json()["waiting"]:
        told.world.clock.forward(minutes=5)
        told.bring()
        assert told.world.clock.now - begun < GIVEN_UP + timedelta(hours=2)
    assert len(told.sink.got) - count < 24 + len(PAUSES)


def test_maintenance_is_silent_and_may_be_ended(told: Told) -> None:
    ends = (told.world.clock.now + timedelta(hours=1)).isoformat()
    window = {"of": "node:edge", "begins": told.world.clock.now.isoformat(), "ends": ends, "reason": "disk"}
    made = told.world.local.post("/api/v1/maintenance", json=window)
    assert made.status_code == 201, made.text
    assert told.beat(120, edge=False) == []
    assert sorted(told.alerts()) == [("node-down", "edge", True), ("route-failing", "api", True)]
    assert told.world.local.delete(f"/api/v1/maintenance/{made.json()['id']}").status_code == 204
    assert sorted(told.beat(10, edge=False)) == [("opened", "api"), ("opened", "edge")]
    wrong = told.world.local.post("/api/v1/maintenance", json={**window, "of": "node:nobody"})
    assert wrong.status_code == 404


def test_only_what_was_asked_for_is_sent(told: Told) -> None:
    body = {"to": {"kind": "webhook", "url": f"http://127.0.0.1:{told.sink.port}/"}, "only": ["node-down"]}
    assert told.world.local.put("/api/v1/notifications/hook", json=body).status_code == 200
    assert told.beat(90, edge=False) == [("opened", "edge")]


def test_a_share_of_errors_is_told(told: Told) -> None:
    def served(errors: int) -> None:
        row = ("api", "api", "edge", 40, errors, 0, 1, 1, (3, 40))
        at = int(told.world.clock.now.timestamp())
        told.world.grid.traffic.take(NodeName("gw"), Counted(seconds=(Second(at=at, rows=(row,)),)))

    found = []
    for _ in range(40):
        served(8)
        found += told.beat(5)
    assert found == [("opened", "api")]
    assert told.alerts() == [("route-errors", "api", False)]


def test_findings_and_certificates_are_told(told: Told) -> None:
    finding = {
        "id": "open-port",
        "severity": "critical",
        "where": "guard",
        "what": "port 22 is open",
        "fix": "close it",
    }
    now = told.world.clock.now
    certificates = [
        {
            "subject": name,
            "issuer": "x",
            "names": [name],
            "not_before": (now - timedelta(days=life - left)).isoformat(),
            "not_after": (now + timedelta(days=left)).isoformat(),
            "fingerprint": "00",
            "source": "given",
        }
        for name, life, left in (
            ("ends.grid", 90, 13),
            ("late.grid", 30, 7),
            ("well.grid", 30, 9),
            ("long.grid", 90, 15),
        )
    ]
    for _ in range(15):
        told.world.clock.forward(seconds=5)
        told.report(health="up", edge=True)
        told.world.report(peers=[told.world.peer_seen(told.edge.key)], findings=[finding], certificates=certificates)
        told.follower.look()
    told.bring()
    opened = sorted(body["subject"] for body in told.sink.bodies())
    assert opened == ["gw/ends.grid", "gw/guard/open-port", "gw/late.grid"]
    told.restart()
    assert told.beat(300, quiet=True) == []  # nobody says that any of it is over
    assert len(told.alerts()) == 3


def test_a_socket_that_is_opened_to_all_is_told_and_its_end_too_once_that_is_seen(told: Told) -> None:
    """As the panel's perimeter judges it; what listens to all as a rule does, SSH, is told to nobody."""
    world = told.world

    def looked(seconds: int, *sockets: dict[str, object]) -> list[tuple[str, str]]:
        before = len(told.sink.got)
        for _ in range(0, seconds, 5):
            world.clock.forward(seconds=5)
            told.report(health="up", edge=True)
            if sockets:
                well(world, *sockets, peers=[world.peer_seen(told.edge.key)])
            told.follower.look()
            told.bring()
        return [(body["turn"], body["subject"]) for body in told.sink.bodies()[before:]]

    own = (WIREGUARD, WIREGUARD6, ROUTES, SSH)
    assert looked(60, *own) == []
    database = socket("0.0.0.0", 5432, "postgres")
    subject = "gw/listeners/wildcard-listener/tcp 0.0.0.0:5432"
    assert looked(60, *own, database) == [("opened", subject)]
    assert looked(600) == []  # nobody says how it is now
    assert looked(120, *own) == [("cleared", subject)]


def test_what_turned_is_told_on_the_stream(told: Told) -> None:
    told.beat(30, health="down")
    told.world.clock.forward(seconds=5)
    told.report(health="down", edge=True)
    said = told.said + told.follower.look()
    assert [kind for kind, _ in said].count("alert") == 1


def test_a_test_says_what_came_of_it(told: Told) -> None:
    answer = told.world.local.post("/api/v1/notifications/hook/test").json()
    assert (answer["ok"], answer["what"]) == (True, "delivered")
    assert told.sink.bodies()[-1]["turn"] == "test"
    told.sink.answers = [401]
    assert "401" in told.world.local.post("/api/v1/notifications/hook/test").json()["what"]
    assert told.world.local.post("/api/v1/notifications/nothing/test").status_code == 404


def test_this_host_and_the_mesh_are_never_called(told: Told) -> None:
    told.world.grid.teller = Teller(told.world.grid)
    for place in (f"http://127.0.0.1:{told.sink.port}/", "http://10.85.0.1/", "http://169.254.169.254/latest"):
        body = {"to": {"kind": "webhook", "url": place}}
        assert told.world.local.put("/api/v1/notifications/astray", json=body).status_code == 200
        answer = told.world.local.post("/api/v1/notifications/astray/test").json()
        assert (answer["ok"], "nothing is sent to" in answer["what"]) == (False, True)
    assert told.sink.got == []


def test_secrets_are_in_no_answer_and_not_in_the_database(told: Told) -> None:
    told.beat(60, health="down")
    for path in ("/api/v1/notifications", "/api/v1/notifications/hook", "/api/v1/events"):
        assert "s3cret" not in told.world.local.get(path).text
    with sqlite3.connect(told.world.url.removeprefix("sqlite:///")) as database:
        dump = "\n".join(database.iterdump())
        sealed = database.execute("SELECT sealed FROM destinations").fetchone()[0]
    assert "s3cret" not in dump
    assert b"s3cret" not in sealed
    assert b"s3cret" not in Path(told.world.url.removeprefix("sqlite:///")).read_bytes()
    (told.folder / "seal.key").unlink()  # as after a restore elsewhere
    told.restart()
    answer = told.world.local.post("/api/v1/notifications/hook/test").json()
    assert "set it anew" in answer["what"]


def test_what_is_wrong_is_said_before_it_is_kept(told: Told) -> None:
    for wrong in (
        {"kind": "webhook", "url": "file:///etc/passwd"},
        {
            "kind": "smtp",
            "host": "m",
            "security": "none",
            "user": "u",
            "password": "p",
            "sender": "a@b.c",
            "to": ["a@b.c"],
        },
        {"kind": "pigeon"},
    ):
        assert told.world.local.put("/api/v1/notifications/x", json={"to": wrong}).status_code == 422
    good = {"to": {"kind": "ntfy", "topic": "grid"}}
    assert told.world.local.put("/api/v1/notifications/No!", json=good).status_code == 422
    assert told.world.local.put("/api/v1/notifications/x", json=good).json()["told"] == "a topic of ntfy.sh"
    assert told.world.local.delete("/api/v1/notifications/x").status_code == 204
    kinds = [event["kind"] for event in told.world.local.get("/api/v1/events").json()["items"]]
    assert kinds[-2:] == ["notification.set", "notification.removed"]
