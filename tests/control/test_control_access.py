"""Who may ask what: every endpoint, every method, every kind of caller, against the golden matrix.

tests/cases/access/matrix.json is read by people: change it only together with the reason for the change.
"in" means let through (whatever the use case then says); a number is the refusal.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from gridwire.control.access import declared
from gridwire.control.endpoint import Guarded

MATRIX = json.loads((Path(__file__).parents[1] / "cases" / "access" / "matrix.json").read_text())
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONTROL = "/run/test/control.sock"


@pytest.fixture
def callers(world: Any, make_key: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, TestClient]:
    """One client per kind of caller, named as the matrix names them."""
    monkeypatch.setattr("gridwire.control.routes.enrolments.CONFIRM_SECONDS", 0.01)
    monkeypatch.setattr("gridwire.control.routes.nodes.REVOKE_SECONDS", 0.01)
    edge, other = world.join("edge"), world.join("other")
    client, operator = world.join("client", role="client"), world.join("operator", role="operator")
    for joined in (edge, other, client, operator):  # their enrolment is over
        assert world.peer(joined.address, credential=joined.credential).get("/api/v1/agent/spec").status_code == 200
    pending = world.join("pending", needs_approval=True)
    assert world.peer(pending.address, credential=pending.credential).get("/api/v1/agent/spec").status_code == 200
    revoked = world.join("revoked")
    world.local.post("/api/v1/nodes/revoked/revoke")
    quarantined, invited = world.join("quarantined"), world.invite("invited")
    unconfirmed = world.invite("unconfirmed")
    world.redeem(unconfirmed)
    world.report(peers=[world.peer_seen(quarantined.ephemeral, latest_handshake="2031-01-01T00:00:00Z")])
    assert world.state(quarantined.address) == "quarantined"
    world.report(version=(1, 1))  # so that asking to confirm gives no role while the matrix is walked
    device = world.local.post("/api/v1/devices", json={"name": "d", "role": "operator", "public_key": make_key("d")})

    persons = _persons(world, operator.address, edge.address, client.address)

    def strange(**headers: str) -> TestClient:
        return TestClient(world.through(CONTROL), base_url="http://gridwire", headers=headers)

    return {
        "no headers": strange(),
        "listener alone": strange(**{"X-Gridwire-Listener": "api"}),
        "unknown listener": strange(**{"X-Gridwire-Listener": "panel", "X-Gridwire-Peer": edge.address}),
        "local headers on control.sock": strange(**{"X-Gridwire-Node": "gw", "X-Gridwire-Author": "root"}),
        "no socket of ours": TestClient(world.through("127.0.0.1"), base_url="http://gridwire"),
        "unknown address": world.peer("10.85.200.200", credential=edge.credential),
        "the gateway's address": world.peer("10.85.0.1"),
        "invited, enrol": world.peer(invited.address, listener="enrol"),
        "invited, api": world.peer(invited.address),
        "redeemed, enrol": world.peer(unconfirmed.address, listener="enrol"),
        "redeemed, api": world.peer(unconfirmed.address),
        "pending": world.peer(pending.address, credential=pending.credential),
        "edge without credential": world.peer(edge.address),
        "edge with another's credential": world.peer(edge.address, credential=other.credential),
        "edge with credential": world.peer(edge.address, credential=edge.credential),
        "edge with credential, enrol": world.peer(edge.address, listener="enrol", credential=edge.credential),
        "client with credential": world.peer(client.address, credential=client.credential),
        "operator without credential": world.peer(operator.address),
        "operator with credential": world.peer(operator.address, credential=operator.credential),
        "operator's phone": world.peer(device.json()["node"]["address"]),
        "quarantined": world.peer(quarantined.address, credential=quarantined.credential),
        "revoked": world.peer(revoked.address, credential=revoked.credential),
        **persons,
        "local": world.local,
    }


def _persons(world: Any, device: str, edge: str, client: str) -> dict[str, TestClient]:
    """Operators on a device, as their browsers ask, and what becomes of their sessions elsewhere."""
    password = world.password
    for name, may in (("ada", "change"), ("bob", "read"), ("cy", "change")):
        world.operator(name, may=may, device=device)

    def session(name: str = "ada", *, ago: timedelta = timedelta(0), **headers: str) -> TestClient:
        browser, now = world.browser(device), world.clock.now
        world.clock.now = now - ago
        answer = browser.post("/api/v1/session", json={"name": name, "password": password})
        world.clock.now = now
        assert answer.status_code == 200, answer.text
        return elsewhere(browser, device, **headers)

    def elsewhere(browser: TestClient, address: str, *, host: str = "panel.grid:2086", **headers: str) -> TestClient:
        """The same cookie sent otherwise."""
        secret = browser.cookies["gridwire"]
        return world.browser(address, host=host, **({"Cookie": f"gridwire={secret}"} | headers))

    def token(name: str, scope: str = "change", *, ago: timedelta = timedelta(0)) -> str:
        now = world.clock.now
        world.clock.now = now - ago
        label = f"{scope}-{ago.days}"
        made = world.local.post("/api/v1/tokens", json={"label": label, "scope": scope, "operator": name})
        world.clock.now = now
        return str(made.json()["secret"])

    def program(secret: str, address: str = device, host: str = "10.85.0.1:2086") -> TestClient:
        """It sends neither an Origin nor a cookie."""
        sent = {"Authorization": f"Bearer {secret}", "Origin": "", "Sec-Fetch-Site": ""}
        return world.browser(address, host=host, **sent)  # type: ignore[no-any-return]

    ada, changer = session(), token("ada")
    disabled, dead = session("cy"), token("cy")
    assert world.local.patch("/api/v1/operators/cy", json={"disabled": True}).status_code == 200
    return {
        "operator, session": session(),
        "operator, session that may read": session("bob"),
        "operator, session of an hour ago": session(ago=timedelta(hours=1)),
        "operator, session that is over": session(ago=timedelta(hours=12)),
        "operator, session of one who is disabled": disabled,
        "operator, session twice": session(Cookie="gridwire=one; gridwire=two"),
        "operator, session and a foreign token": session(Authorization="Bearer gwt_foreign"),
        "operator, another origin": session(Origin="http://app.grid"),
        "operator, no origin": session(Origin=""),
        "operator, another site's page": session(**{"Sec-Fetch-Site": "cross-site"}),
        "operator, another host": session(host="panel.example.com:2086"),
        "operator, another port": session(host="panel.grid:80"),
        "operator, https cookie on http": session(Cookie=f"__Host-gridwire={ada.headers['cookie'].partition('=')[2]}"),
        "edge with a stolen session": elsewhere_of(world, ada, edge),
        "client with a stolen session": elsewhere_of(world, ada, client),
        "token that reads": program(token("ada", "read")),
        "token that changes": program(changer),
        "token that is over": program(token("ada", ago=timedelta(days=90))),
        "token of one who is disabled": program(dead),
        "token, another host": program(changer, host="gw.example.com:2086"),
        "edge with a stolen token": program(changer, edge),
        "enrol listener, session": elsewhere_of(world, ada, device, **{"X-Gridwire-Listener": "enrol"}),
    }


def elsewhere_of(world: Any, browser: TestClient, address: str, **headers: str) -> TestClient:
    return world.browser(address, **({"Cookie": browser.headers["cookie"]} | headers))  # type: ignore[no-any-return]


def test_every_endpoint_for_every_caller(world: Any, callers: dict[str, TestClient]) -> None:
    routes = [route for route in world.app.routes if isinstance(route, APIRoute)]
    routes.sort(key=lambda route: "DELETE" in route.methods and route.path == "/api/v1/session")  # last: it ends them
    found: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = route.path.replace("{name}", "nothing").replace("{number}", "1").replace("{id}", "nothing")
        path += "?seconds=0" if path.endswith("/stream") else ""
        for method in sorted(route.methods or ()):
            row = found.setdefault(f"{method} {route.path}", {})
            for name, client in callers.items():
                answer = client.request(method, path).status_code
                row[name] = answer if answer in (401, 403, 421) else "in"
    expected = {
        endpoint: MATRIX["default"] | (MATRIX["rows"][row] if isinstance(row, str) else row)
        for endpoint, row in MATRIX["endpoints"].items()
    }
    assert set(callers) == set(MATRIX["default"])
    assert found.keys() == expected.keys()
    differing = {
        f"{endpoint} for {name}": (answer, expected[endpoint][name])
        for endpoint, row in found.items()
        for name, answer in row.items()
        if answer != expected[endpoint][name]
    }
    assert differing == {}


def test_methods_that_are_not_there(world: Any, callers: dict[str, TestClient]) -> None:
    """What there is to ask is told to nobody but root on this host."""
    routes = [route for route in world.app.routes if isinstance(route, APIRoute)]
    known = {(m, r.path) for r in routes for m in r.methods or ()}
    paths = sorted({path for _, path in known} | {"/", "/docs", "/openapi.json", "/api/v1/nodes/", "//api/v1/nodes"})
    for path in paths:
        asked = path.replace("{name}", "nothing").replace("{number}", "1").replace("{id}", "nothing")
        for method in METHODS:
            if any(method in (r.methods or ()) and r.path_regex.match(asked) for r in routes):
                continue
            for name in ("no headers", "unknown address", "edge with credential", "operator's phone", "local"):
                answer = callers[name].request(method, f"http://gridwire{asked}")
                assert answer.status_code == (answer.status_code if name == "local" else 401), (method, path, name)
                assert name != "local" or answer.status_code in (404, 405), (method, path)


def test_an_endpoint_that_declares_nobody_is_open_to_nobody(world: Any, callers: dict[str, TestClient]) -> None:
    async def undeclared() -> str:
        return "secret"

    world.app.router.routes.append(Guarded("/undeclared", undeclared, methods=["GET"]))
    assert {client.get("/undeclared").status_code for client in callers.values()} <= {401, 403}


def test_every_endpoint_is_guarded_and_declares_somebody(world: Any) -> None:
    for route in world.app.routes:
        assert isinstance(route, Guarded), route
        assert declared(route.endpoint), route.path


def test_a_client_cannot_speak_for_another_address(world: Any) -> None:
    """nginx sets one header; a second one of the client's (were it let through) names nobody."""
    edge, other = world.join("edge"), world.join("other")
    client = world.peer(edge.address, credential=other.credential)
    both = client.get("/api/v1/agent/spec", headers={"X-Forwarded-For": other.address, "X-Real-IP": other.address})
    assert both.status_code == 401
    named = world.peer(edge.address, credential=edge.credential)
    spec = named.get("/api/v1/agent/spec", headers={"X-Gridwire-Node": "other"})
    assert spec.json()["node"] == "edge"


def test_unauthorised_answers_say_how_to_authenticate(world: Any) -> None:
    edge = world.join("edge")
    answer = world.peer(edge.address).get("/api/v1/agent/spec")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_bodies_of_strangers_are_not_read(world: Any) -> None:
    """A stranger learns nothing of what a body must be, and costs no parsing."""
    edge = world.join("edge")
    for client in (world.peer(edge.address), TestClient(world.through(CONTROL), base_url="http://gridwire")):
        assert client.post("/api/v1/invitations", content=b"{" * 10).status_code in (401, 403)
        assert client.get("/api/v1/agent/spec?wait=nonsense").status_code == 401
