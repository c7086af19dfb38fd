"""What agents may say, and of whom: an edge may have been taken over."""

from __future__ import annotations

import asyncio
import os
import pwd
import stat
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from gridwire.control import app as application
from gridwire.control.wiring import bootstrap, own_directory
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Network


def check(service: str, node: str, by: str, health: str) -> dict[str, str]:
    return {"service": service, "node": node, "seen_by": by, "health": health, "reason": f"{by} says so"}


def reach() -> list[dict[str, Any]]:
    return [{"prefix": "127.0.0.1/32", "first_port": 9000, "last_port": 9000, "kind": "tcp"}]


def reported(world: Any, edge: Any, **fields: Any) -> Any:
    body = {
        "node": edge.name,
        "at": world.clock.now.isoformat(),
        "agent_version": "0.1.0",
        "version": [0, 0],
        "state": "in-sync",
        "reach": reach(),
        **fields,
    }
    return world.peer(edge.address, credential=edge.credential).post("/api/v1/agent/report", json=body)


def health(world: Any, node: str) -> tuple[str, str]:
    (outcome,) = world.local.get("/api/v1/status").json()["services"]
    return next((e["health"], e["reason"]) for e in outcome["endpoints"] if e["node"] == node)


def seen_by_gateway(world: Any, *edges: Any, **fields: Any) -> None:
    world.report(peers=[world.peer_seen(edge.key) for edge in edges], **fields)


def test_an_edge_speaks_of_its_own_endpoints_alone(world: Any) -> None:
    liar, victim = world.join("edge-1"), world.join("edge-2")
    world.publish("api")
    seen_by_gateway(world, liar, victim)
    said = [check("api", "edge-2", "edge-1", "down"), check("api", "edge-1", "edge-1", "up")]
    assert reported(world, liar, endpoints=said).status_code == 200
    assert reported(world, victim).status_code == 200
    assert health(world, "edge-2") == ("checking", "")
    assert health(world, "edge-1")[0] == "up"
    told = world.local.get("/api/v1/status").json()["health"]
    assert [(each["node"], each["seen_by"]) for each in told] == [("edge-1", "edge-1")]


def test_a_gateways_check_counts_before_an_edges_whatever_they_are_called(world: Any) -> None:
    """``edge-1`` comes before ``gw`` in the alphabet."""
    edge = world.join("edge-1")
    world.publish("api")
    assert reported(world, edge, endpoints=[check("api", "edge-1", "edge-1", "up")]).status_code == 200
    seen_by_gateway(world, edge, endpoints=[check("api", "edge-1", "gw", "down")])
    assert health(world, "edge-1") == ("down", "gw says so")


def test_behind_a_tunnel_that_is_down_all_is_unknown_wherever_it_is_shown(world: Any) -> None:
    """The edge's own last report says up for half a minute, its last handshake counts for three."""
    edge = world.join("edge-1")
    world.publish("api")
    assert reported(world, edge, endpoints=[check("api", "edge-1", "edge-1", "up")]).status_code == 200
    seen_by_gateway(world, edge, endpoints=[check("api", "edge-1", "gw", "checking")])
    assert health(world, "edge-1")[0] == "up"
    seen_by_gateway(world, edge, endpoints=[check("api", "edge-1", "gw", "unknown")])
    assert health(world, "edge-1") == ("unknown", "gw says so")
    told = world.local.get("/api/v1/status").json()["health"]
    assert {(each["seen_by"], each["health"]) for each in told} == {("edge-1", "unknown"), ("gw", "unknown")}
    seen_by_gateway(world, edge, endpoints=[check("api", "edge-1", "gw", "up")])
    assert health(world, "edge-1")[0] == "up"
    told = world.local.get("/api/v1/status").json()["health"]
    assert {(each["seen_by"], each["health"]) for each in told} == {("edge-1", "up"), ("gw", "up")}


def test_nobody_has_a_revision_in_force_that_there_is_not_yet(world: Any) -> None:
    """It would finish every revocation to come before a gateway has cut anybody."""
    edge = world.join("edge-1")
    epoch, revision = world.version()
    for version in ([epoch, revision + 1], [epoch + 1, 0], [2**53, 0]):
        refused = reported(world, edge, version=version)
        assert (refused.status_code, refused.json()["field"]) == (422, "version")
    assert reported(world, edge, version=[epoch, revision]).status_code == 200


def test_a_node_is_behind_when_its_own_spec_changed_and_not_for_a_number(world: Any) -> None:
    edge = world.join("edge-1")

    def behind() -> Any:
        return world.node("edge-1")["behind"]

    def applied() -> None:
        spec = world.peer(edge.address, credential=edge.credential).get("/api/v1/agent/spec").json()
        assert reported(world, edge, version=[spec["epoch"], spec["revision"]]).status_code == 200

    def asks() -> None:
        assert world.peer(edge.address, credential=edge.credential).get("/api/v1/agent/spec").status_code == 200

    assert behind() is None
    applied()
    assert behind() is False
    world.join("phone", role="client")
    asks()
    assert world.node("edge-1")["version"] < list(world.version())
    assert behind() is False
    world.publish("api")
    asks()
    assert behind() is True
    applied()
    assert behind() is False
    nodes = {view["node"]["name"]: view["behind"] for view in world.local.get("/api/v1/status").json()["nodes"]}
    assert nodes["edge-1"] is False


def test_the_database_is_for_its_owner_alone(tmp_path: Path, make_key: Any) -> None:
    url = f"sqlite:///{tmp_path}/db/gridwire.db"

    def modes() -> set[str]:
        return {stat.filemode(path.stat().st_mode) for path in (tmp_path / "db").iterdir()}

    network = Network(prefix=IPv4Network("10.85.0.0/16"))
    bootstrap(url, network, "gw", make_key("gw"), "gw.example.com:51820", owner=None)
    assert modes() == {"-rw-------"}
    for path in (tmp_path / "db").iterdir():
        path.chmod(0o644)  # as an older version left them
    own_directory(url, None)
    assert modes() == {"-rw-------"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_files_of_others_are_not_changed_through_the_databases_directory(tmp_path: Path, make_key: Any) -> None:
    """It is control's user's, and init is root's: a link there must not hand it a file of somebody else's."""
    url = f"sqlite:///{tmp_path}/db/gridwire.db"
    network = Network(prefix=IPv4Network("10.85.0.0/16"))
    bootstrap(url, network, "gw", make_key("gw"), "gw.example.com:51820", owner="nobody")
    mine = tmp_path / "precious"
    mine.write_text("root's")
    mine.chmod(0o644)

    (tmp_path / "db/a.db").symlink_to(mine)
    own_directory(url, "nobody")
    (tmp_path / "db/a.db").unlink()
    (tmp_path / "db/b.db").hardlink_to(mine)
    with pytest.raises(Unavailable, match="second name"):
        own_directory(url, "nobody")
    assert (mine.stat().st_uid, stat.S_IMODE(mine.stat().st_mode)) == (0, 0o644)

    (tmp_path / "db/b.db").unlink()
    os.mkfifo(tmp_path / "db/c.db")  # to open it must not wait for a writer
    own_directory(url, "nobody")
    database = (tmp_path / "db/gridwire.db").stat()
    assert database.st_uid == pwd.getpwnam("nobody").pw_uid
    assert stat.S_IMODE(database.st_mode) == 0o600


def test_whatever_breaks_in_a_tick_is_logged_and_the_next_one_comes(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expiry hangs on it: an invitation must not live for ever because of one bad second."""
    said: list[dict[str, Any]] = []

    class Log:
        def error(self, event: str, **fields: Any) -> None:
            said.append({"event": event, **fields})

    class BreaksTwice:
        ticks = 0
        rests = False

        def tick(self) -> None:
            self.ticks += 1
            if self.ticks <= 2:
                raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(application, "TICK_SECONDS", 0.001)

    async def scene() -> None:
        grid = BreaksTwice()
        ticking = asyncio.create_task(application._tick((grid,), Log()))  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            while grid.ticks < 4:
                assert not ticking.done()
                await asyncio.sleep(0.001)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)

    asyncio.run(scene())
    assert [line["error"] for line in said] == ["ZeroDivisionError: a mistake of ours"] * 2
    assert all(__file__ in line["at"] for line in said)


NAIVE, FIRST, LAST = "2030-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


def _spoilt(at: str) -> tuple[dict[str, Any], ...]:
    guard = {"version": [0, 0], "read_at": at, "stands": True}
    turned = {**check("api", "edge-1", "edge-1", "up"), "since": at}
    return {"at": at}, {"guard": guard}, {"sockets": {"digest": "ab", "at": at}}, {"endpoints": [turned]}


@pytest.mark.parametrize("fields", [one for at in (NAIVE, FIRST, LAST) for one in _spoilt(at)])
def test_times_that_no_clock_has_spoil_nothing_of_what_is_told_of_the_grid(world: Any, fields: dict[str, Any]) -> None:
    edge = world.join("edge-1")
    assert reported(world, edge, **fields).status_code == 422
    for path in ("overview", "perimeter", "status", "nodes"):
        assert world.local.get(f"/api/v1/{path}").status_code == 200


def test_a_certificate_without_a_time_zone_is_none(world: Any) -> None:
    edge = world.join("edge-1")
    shown = {"subject": "a", "issuer": "b", "names": [], "fingerprint": "c", "source": "given"}
    end = {"not_before": FIRST, "not_after": LAST}
    assert reported(world, edge, certificates=[{**shown, **end}]).status_code == 200  # "for ever", as some say it
    assert reported(world, edge, certificates=[{**shown, **end, "not_after": NAIVE}]).status_code == 422


def test_what_a_node_says_of_itself_does_not_swell_the_list_of_nodes(world: Any) -> None:
    edge = world.join("edge-1")
    finding = {"id": "x", "severity": "warning", "where": "guard", "what": "w" * 50_000, "evidence": "e" * 50_000}
    assert reported(world, edge, detail="d" * 50_000, findings=[finding]).status_code == 200
    assert len(world.local.get("/api/v1/nodes").content) < 20_000
    assert reported(world, edge, findings=[{**finding, "what": "w", "evidence": ""}] * 1000).status_code == 200
    (told,) = (one for one in world.local.get("/api/v1/nodes").json()["items"] if one["node"]["name"] == "edge-1")
    assert len(told["findings"]) == 200
