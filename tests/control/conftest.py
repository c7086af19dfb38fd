"""A grid in a temporary SQLite file, asked through the real application as nginx, agents and the CLI ask it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from gridwire.adapters.passwords import Passwords
from gridwire.adapters.store import open_store
from gridwire.control.app import create_app
from gridwire.control.grid import Grid
from gridwire.control.logins import Logins
from gridwire.control.wiring import bootstrap
from gridwire.core.fleet import Network, parse_selector
from gridwire.core.tailnet import TAILNET4, Member, Provider

CONTROL, LOCAL = "/run/test/control.sock", "/run/test/local.sock"
PASSWORD = "seven green boats"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the usual cost is 0.1 s and 64 MiB each


def key(seed: object) -> str:
    """A key that is always the same for the same seed; x25519 takes any 32 bytes."""
    return base64.b64encode(hashlib.sha256(str(seed).encode()).digest()).decode()


@dataclass
class Clock:
    now: datetime = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Joined:
    name: str
    address: str
    key: str
    ephemeral: str
    credential: str = ""
    state: str = ""


@dataclass
class World:
    """One grid with gateway ``gw``; ``local`` speaks on local.sock, ``peer()`` as nginx does on control.sock.

    ``tailnet``: the gateway on a tailnet that is the mesh, and ``approve`` its rules.
    """

    url: str
    clock: Clock = field(default_factory=Clock)
    tailnet: Member | None = None
    approve: tuple[str, ...] = ()
    password: str = PASSWORD

    def __post_init__(self) -> None:
        if self.tailnet is None:
            network = Network(prefix=IPv4Network("10.85.0.0/16"))
            bootstrap(self.url, network, "gw", key("gw"), "gw.example.com:51820", owner=None, clock=self.clock)
        else:
            rules = tuple(map(parse_selector, self.approve))
            network = Network(prefix=TAILNET4, provider=Provider.TAILSCALE, approve=rules)
            bootstrap(self.url, network, "gw", None, None, tailnet=self.tailnet, owner=None, clock=self.clock)
        self.store = open_store(self.url)
        self.grid = Grid(self.store, clock=self.clock, logins=Logins(passwords=Passwords(CHEAP)))
        self.app = create_app(self.grid, control_socket=CONTROL, local_socket=LOCAL)
        self.local = TestClient(self.through(LOCAL), base_url="http://gridwire")

    def through(self, socket: str) -> Callable[..., Any]:
        """The application as uvicorn calls it for a request that came by that socket."""

        async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
            await self.app({**scope, "server": (socket, None), "client": None}, receive, send)

        return app

    def peer(self, address: str, *, listener: str = "api", credential: str | None = None) -> TestClient:
        headers = {"X-Gridwire-Peer": address, "X-Gridwire-Listener": listener}
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return TestClient(self.through(CONTROL), base_url="http://gridwire", headers=headers)

    def browser(self, address: str, *, host: str = "panel.grid:2086", **headers: str) -> TestClient:
        """A page of the panel on a device, as its browser and nginx send what it asks; with a jar for cookies."""
        sent = self.page(address) | {"Origin": f"http://{host}"} | headers
        known = {name: value for name, value in sent.items() if value}
        return TestClient(self.through(CONTROL), base_url=f"http://{host}", headers=known)

    def page(self, address: str) -> dict[str, str]:
        """What nginx and a browser say of a request that a page makes of its own origin."""
        return {
            "X-Gridwire-Peer": address,
            "X-Gridwire-Listener": "api",
            "X-Gridwire-Scheme": "http",
            "Sec-Fetch-Site": "same-origin",
        }

    def operator(self, name: str, *, may: str = "change", device: str | None = None) -> str:
        """Add an operator and claim its link on a device, or on "laptop"; gives the address of that device."""
        if device is None:
            there = next((str(node.address) for node in self.fleet().nodes if node.name == "laptop"), None)
            device = there if there is not None else self.join("laptop", role="operator").address
        added = self.local.post("/api/v1/operators", json={"name": name, "may": may})
        assert added.status_code == 201, added.text
        link = added.json()["urls"][0].partition("#")[2]
        claimed = self.browser(device).post("/api/v1/session/claim", json={"link": link, "password": PASSWORD})
        assert claimed.status_code == 200, claimed.text
        return device

    def logged_in(self, name: str, *, may: str = "change") -> TestClient:
        """The browser of an operator who has just logged in by password."""
        browser = self.browser(self.operator(name, may=may))
        answer = browser.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser

    def fleet(self) -> Any:
        return self.grid.snapshot().fleet

    def version(self) -> tuple[int, int]:
        return self.grid.snapshot().version

    def report(self, *, node: str = "gw", version: tuple[int, int] | None = None, **fields: Any) -> None:
        """The gateway's agent reports what it has applied (by default everything)."""
        body = {
            "node": node,
            "at": self.clock.now.isoformat(),
            "agent_version": "0.1.0",
            "version": list(version or self.version()),
            "state": "in-sync",
            **fields,
        }
        answer = self.local.post("/api/v1/agent/report", json=body, headers={"X-Gridwire-Node": node})
        assert answer.status_code == 200, answer.text

    def peer_seen(self, public_key: str, **fields: Any) -> dict[str, Any]:
        return {
            "public_key": public_key,
            "endpoint": "198.51.100.7:40000",
            "allowed_ips": [],
            "latest_handshake": self.clock.now.isoformat(),
            "received_bytes": 0,
            "sent_bytes": 0,
            "keepalive": 15,
            **fields,
        }

    def invite(self, name: str, **fields: Any) -> Joined:
        ephemeral = fields.pop("ephemeral_key", key(f"ephemeral {name} {len(self.fleet().nodes)}"))
        answer = self.local.post("/api/v1/invitations", json={"name": name, "ephemeral_key": ephemeral, **fields})
        assert answer.status_code == 201, answer.text
        node = answer.json()["node"]
        return Joined(
            name=node["name"], address=node["address"], key=key(f"own {node['address']}"), ephemeral=ephemeral
        )

    def redeem(self, joined: Joined, *, with_key: str | None = None) -> Any:
        client = self.peer(joined.address, listener="enrol")
        return client.post("/api/v1/enrolments", json={"public_key": with_key or joined.key})

    def confirm(self, joined: Joined, *, listener: str = "enrol") -> Any:
        return self.peer(joined.address, listener=listener).post("/api/v1/enrolments/confirm")

    def join(self, name: str, **fields: Any) -> Joined:
        joined = self.invite(name, **fields)
        redeemed = self.redeem(joined)
        assert redeemed.status_code == 202, redeemed.text
        self.report()
        confirmed = self.confirm(joined)
        assert confirmed.status_code == 200, confirmed.text
        joined.name = confirmed.json()["node"]
        joined.credential = confirmed.json()["credential"]
        joined.state = confirmed.json()["state"]
        self.report()
        return joined

    def publish(self, name: str = "api", on: str = "role:edge", **fields: Any) -> Any:
        kind, _, value = on.partition(":")
        body = {
            "name": name,
            "target": {"address": "127.0.0.1", "port": 9000, "kind": "tcp"},
            "on": [{"kind": kind, "value": value}],
            **fields,
        }
        return self.local.put(f"/api/v1/services/{name}", json=body)

    def route(self, name: str = "api", *, to: str = "api", allow: tuple[str, ...] = (), **fields: Any) -> Any:
        selectors = [dict(zip(("kind", "value"), text.split(":", 1), strict=True)) for text in allow]
        body = {"name": name, "host": name, "to": to, "allow": selectors, **fields}
        return self.local.put(f"/api/v1/routes/{name}", json=body)

    def node(self, name: str) -> dict[str, Any]:
        answer = self.local.get(f"/api/v1/nodes/{name}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def state(self, address: str) -> str:
        return str(next(node.state for node in self.fleet().nodes if str(node.address) == address))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(f"sqlite:///{tmp_path}/db/gridwire.db")
    yield made
    made.store.close()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Fresh grids, for tests that need many."""
    made: list[World] = []

    def make() -> World:
        made.append(World(f"sqlite:///{tmp_path}/db{len(made)}/gridwire.db"))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


@pytest.fixture
def make_key() -> Callable[[object], str]:
    return key
