"""What people are told of the perimeter, by what agents said of their guard and sockets and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest


def socket(address: str, port: int, process: str = "", **fields: Any) -> dict[str, Any]:
    pid = fields.pop("pid", 7 if process else None)
    return {"protocol": "tcp", "address": address, "port": port, "pid": pid, "process": process, **fields}


WIREGUARD = socket("0.0.0.0", 51820, protocol="udp", owner="ours")
WIREGUARD6 = socket("::", 51820, protocol="udp", owner="ours")
ROUTES = socket("10.85.0.1", 80, "nginx", owner="ours", unit="gridwire-nginx.service")
SSH = socket("0.0.0.0", 22, "sshd", unit="ssh.service", uid=0)
LINKS = [{"name": "eth0", "addresses": ["203.0.113.7", "9.9.9.9"]}, {"name": "gw0", "addresses": ["10.85.0.1"]}]


def guard(world: Any, node: str = "gw", **fields: Any) -> dict[str, Any]:
    snapshot = world.grid.snapshot()
    version = world.grid.spec(snapshot.fleet.node(node), snapshot).since
    now = world.clock.now.isoformat()
    return {"version": list(version), "read_at": now, "stands": True, "since": now, **fields}


def tell(world: Any, *sockets: dict[str, Any], node: str = "gw", client: Any = None, **fields: Any) -> Any:
    body = {
        "node": node,
        "mark": {"digest": "d", "at": world.clock.now.isoformat()},
        "sockets": list(sockets),
        "links": LINKS,
        **fields,
    }
    return (client or world.local).post("/api/v1/agent/sockets", json=body)


def mark(world: Any, digest: str = "d") -> dict[str, Any]:
    return {"digest": digest, "at": world.clock.now.isoformat()}


def well(world: Any, *sockets: dict[str, Any], peers: Sequence[Any] = (), **fields: Any) -> None:
    assert tell(world, *(sockets or (WIREGUARD, WIREGUARD6, ROUTES, SSH)), **fields).status_code == 204
    world.report(guard=guard(world), sockets=mark(world), peers=peers)


def perimeter(world: Any, query: str = "") -> Any:
    answer = world.local.get(f"/api/v1/perimeter{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(world: Any) -> list[str]:
    return [finding["id"] for node in perimeter(world)["nodes"] for finding in node["findings"]]


def test_the_overview_has_the_same_verdict(world: Any) -> None:
    well(world)
    answer = world.local.get("/api/v1/overview")
    assert answer.status_code == 200, answer.text
    assert answer.json()["perimeter"] == perimeter(world)["verdict"]


def test_one_public_socket_nothing_found_and_when_it_was_read_back(world: Any) -> None:
    well(world)
    world.clock.forward(seconds=12)
    told = perimeter(world)
    assert told["verdict"]["say"] == "1 public socket, 0 findings, read back 12 s ago"
    assert (told["verdict"]["state"], told["verdict"]["proof"]) == ("well", "read-back")
    (node,) = told["nodes"]
    assert (node["state"], node["guard"]["state"], node["public"], node["foreign"]) == ("well", "stands", 1, 1)
    reach = {(one["socket"]["port"], one["socket"]["address"]): one["reach"] for one in told["sockets"]["items"]}
    assert reach == {
        (22, "0.0.0.0"): "internet",
        (80, "10.85.0.1"): "host",  # nobody has joined yet
        (51820, "0.0.0.0"): "internet",
        (51820, "::"): "host",  # no link has an address of IPv6
    }


def test_who_may_call_a_route_is_told_by_role(world: Any) -> None:
    world.join("phone", role="client")
    world.join("edge-1")
    well(world)
    (told,) = [one for one in perimeter(world, "?node=gw")["sockets"]["items"] if one["socket"]["port"] == 80]
    assert told["reach"] == "mesh"
    (mesh,) = [way for way in told["ways"] if way["realm"] == "mesh"]
    assert mesh["who"] == ["client", "edge"]
    assert "role_client role_edge to tcp 80" in mesh["rule"]
    (link,) = [way for way in told["ways"] if way["realm"] == "link"]
    assert (link["open"], "stranger" in link["rule"]) == (False, True)


def test_a_silent_node_is_unknown_and_the_grid_with_it(world: Any) -> None:
    well(world)
    world.clock.forward(seconds=31)
    told = perimeter(world)
    assert (told["verdict"]["state"], told["verdict"]["proved_at"]) == ("unknown", None)
    assert told["verdict"]["say"] == "0 public sockets, 0 findings, unknown: gw"
    assert "silent since 2030-01-01 12:00:00" in told["nodes"][0]["why"]
    assert told["nodes"][0]["guard"]["state"] == "unknown", "it stood when it was last read"
    assert {one["reach"] for one in told["sockets"]["items"]} == {"unknown"}


def test_before_anybody_said_anything_all_is_unknown(world: Any) -> None:
    assert perimeter(world)["verdict"]["state"] == "unknown"
    world.report(guard=guard(world))
    assert perimeter(world)["nodes"][0]["why"] == "its agent has not told its sockets"


def test_sockets_hold_for_as_long_as_reports_say_that_they_are_the_same(world: Any) -> None:
    well(world)
    for digest, state in (("d", "well"), ("another", "unknown")):
        world.clock.forward(seconds=50)
        world.report(guard=guard(world), sockets=mark(world, digest))
        world.clock.forward(seconds=20)
        world.report(guard=guard(world), sockets=mark(world, digest))
        assert perimeter(world)["verdict"]["state"] == state


def test_times_are_by_controls_clock_whatever_the_nodes_says(world: Any) -> None:
    well(world)
    fast = world.clock.now + timedelta(hours=3)
    read = (fast - timedelta(seconds=4)).isoformat()
    world.report(at=fast.isoformat(), guard=guard(world, read_at=read, since=read), sockets=mark(world))
    node = perimeter(world)["nodes"][0]
    assert node["guard"]["read_at"] == "2030-01-01T11:59:56Z"
    assert node["proved_at"] == "2030-01-01T11:59:56Z"


@pytest.mark.parametrize(
    ("sockets", "finding"),
    [
        ((socket("0.0.0.0", 8080, "python3"),), "wildcard-listener"),
        ((socket("0.0.0.0", 80, "apache2"),), "port-held"),
        ((socket("10.85.0.1", 9000, "minio"),), "mesh-listener"),
        ((socket("0.0.0.0", 2087, "nginx", owner="ours"),), "public-socket"),
        ((socket("0.0.0.0", 40000, protocol="udp", owner="ours"),), "public-socket"),
    ],
    ids=str,
)
def test_what_is_wrong_is_found_with_a_fix(world: Any, sockets: tuple[dict[str, Any], ...], finding: str) -> None:
    well(world, WIREGUARD, ROUTES, *sockets)
    told = perimeter(world)
    (only,) = told["nodes"][0]["findings"]
    assert (only["id"], bool(only["fix"])) == (finding, True)
    assert told["verdict"]["state"] == "findings"


def test_a_guard_that_does_not_stand_is_found_and_what_it_hides_is_unknown(world: Any) -> None:
    well(world)
    world.report(guard=guard(world, stands=False, since=None, detail="it was flushed"), sockets=mark(world))
    told = perimeter(world)
    assert found(world) == ["guard-missing", "wildcard-expected"]
    reach = {one["socket"]["port"]: one["reach"] for one in told["sockets"]["items"]}
    assert (reach[80], reach[22]) == ("unknown", "internet")
    world.report(guard=guard(world, stands=None, since=None, detail="nft did not answer"), sockets=mark(world))
    assert found(world)[0] == "guard-unread"
    assert perimeter(world)["nodes"][0]["why"] == "nft did not answer"


def test_a_guard_of_an_older_spec_is_late_after_a_while(world: Any) -> None:
    well(world)
    old = guard(world)
    world.join("edge-1")
    world.report(guard=old, sockets=mark(world))
    node = next(n for n in perimeter(world)["nodes"] if n["node"] == "gw")
    assert (node["guard"]["state"], "guard-late" in found(world)) == ("late", False)
    world.clock.forward(seconds=30)
    world.report(guard=old, sockets=mark(world))
    assert "guard-late" in found(world)
    world.report(guard=guard(world), sockets=mark(world))
    assert "guard-late" not in found(world)


def test_that_somebody_changed_the_guard_is_told_for_an_hour(world: Any) -> None:
    well(world)
    repaired = {"repaired_at": world.clock.now.isoformat(), "repaired": "table inet gridwire: it was flushed"}
    for minutes, shown in ((59, True), (2, False)):
        world.clock.forward(minutes=minutes)
        world.report(guard=guard(world, **repaired), sockets=mark(world))
        assert ("guard-repaired" in found(world)) is shown


def test_pages_and_filters(world: Any) -> None:
    well(world, WIREGUARD, SSH, ROUTES, *(socket("127.0.0.1", 9000 + number, "app") for number in range(5)))
    seen: list[int] = []
    cursor = ""
    while True:
        page = perimeter(world, f"?limit=3&reach=host{cursor}")["sockets"]
        assert page["total"] == 6
        seen += [one["socket"]["port"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [80, 9000, 9001, 9002, 9003, 9004]
    ours = perimeter(world, "?owner=ours&reach=internet&reach=link")["sockets"]["items"]
    assert [one["socket"]["port"] for one in ours] == [51820]
    assert perimeter(world, "?node=nobody")["sockets"]["total"] == 0
    for wrong in ("reach=everywhere", "owner=mine", "limit=-1", "node=%00"):
        assert world.local.get(f"/api/v1/perimeter?{wrong}").status_code == 422


def test_a_node_speaks_of_its_own_sockets_alone_and_of_no_more_than_can_be_kept(world: Any) -> None:
    edge = world.join("edge-1")
    client = world.peer(edge.address, credential=edge.credential)
    assert tell(world, SSH, node="gw", client=client).status_code == 422
    assert (
        tell(world, *(socket("127.0.0.1", n + 1, "x") for n in range(300)), node="edge-1", client=client).status_code
        == 422
    )
    assert tell(world, socket("0.0.0.0", 22, "x" * 65), node="edge-1", client=client).status_code == 422
    assert tell(world, socket("0.0.0.0", 22, "\x1b[2J"), node="edge-1", client=client).status_code == 422
    assert tell(world, SSH, node="edge-1", client=client).status_code == 204


def test_the_sockets_of_one_node(world: Any) -> None:
    well(world)
    told = world.local.get("/api/v1/nodes/gw/sockets").json()
    assert told["node"]["node"] == "gw"
    assert [one["socket"]["port"] for one in told["sockets"]] == [51820, 51820, 80, 22]
    assert world.local.get("/api/v1/nodes/nobody/sockets").status_code == 404
    world.join("phone", role="client")
    assert world.local.get("/api/v1/nodes/phone/sockets").status_code == 404


def test_a_device_without_an_agent_is_counted_and_no_unknown(world: Any) -> None:
    world.join("phone", role="client")
    well(world)
    verdict = perimeter(world)["verdict"]
    assert (verdict["state"], verdict["nodes"], verdict["unseen"]) == ("well", 1, 1)


def test_a_revoked_node_is_gone(world: Any) -> None:
    edge = world.join("edge-1")
    client = world.peer(edge.address, credential=edge.credential)
    assert tell(world, SSH, node="edge-1", client=client).status_code == 204
    well(world)
    assert [node["node"] for node in perimeter(world)["nodes"]] == ["edge-1", "gw"]
    world.local.post("/api/v1/nodes/edge-1/revoke")
    world.report(guard=guard(world), sockets=mark(world))
    assert [node["node"] for node in perimeter(world)["nodes"]] == ["gw"]


def test_overview_has_the_same_verdict_however_many_sockets_there_are(world: Any) -> None:
    well(world)
    answer = world.local.get("/api/v1/overview")
    assert answer.status_code == 200, answer.text
    assert answer.json()["perimeter"] == perimeter(world)["verdict"]
