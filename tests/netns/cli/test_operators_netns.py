"""An operator logs in through the mesh: real WireGuard, guard and nginx between a device and control."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest
from tests.netns.commands import GRIDWIRE, gridwire, until

from gridwire.lab.topology import Lab, Link, Place, build

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
HOME = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))
PANEL, GATEWAY = "panel.grid:2086", "http://10.85.0.1:2086"
PASSWORD = "seven green boats"
ASK = """
import http.client, json, sys
method, path, headers, body = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.stdin.read()
connection = http.client.HTTPConnection("10.85.0.1", 2086, timeout=30)
connection.request(method, path, body or None, headers)
answer = connection.getresponse()
if path.endswith("/stream"):
    print(answer.status, flush=True)
text = answer.read().decode()
print(json.dumps({"status": answer.status, "cookie": answer.getheader("set-cookie"), "text": text}))
"""


def page(**more: str) -> dict[str, str]:
    """What a browser sends with a request of the panel's page."""
    sent = {"Host": PANEL, "Origin": f"http://{PANEL}", "Sec-Fetch-Site": "same-origin", **more}
    return {name.replace("_", "-"): value for name, value in sent.items()}


def asked(method: str, path: str, headers: dict[str, str], body: object) -> tuple[list[str], str]:
    sent = headers if body is None else {**headers, "Content-Type": "application/json"}
    return [sys.executable, "-c", ASK, method, path, json.dumps(sent)], "" if body is None else json.dumps(body)


def ask(lab: Lab, host: str, method: str, path: str, headers: dict[str, str], body: object = None) -> dict[str, Any]:
    command, text = asked(method, path, headers, body)
    answer: dict[str, Any] = json.loads(lab.host(host).run(command, input_text=text, timeout=60).stdout)
    return answer


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    places = [Place(host="gw", link="public", number=7)]
    places += [Place(host=name, link="home", number=number) for number, name in enumerate(("laptop", "edge"), 5)]
    built = build((PUBLIC, HOME), places)
    try:
        yield built
    finally:
        built.close()


def joined(lab: Lab, name: str, role: str) -> None:
    invited = gridwire(lab, "gw", "invite", name, "--role", role, "-o", "json")
    assert invited.returncode == 0, invited.stderr
    done = gridwire(lab, name, "join", stdin=json.loads(invited.stdout)["token"])
    assert done.returncode == 0, done.stderr
    lab.host(name).start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))


def answered(lab: Lab, host: str, status: int) -> bool:
    """Whether the host's tunnel is up, and nginx and control answer its node so."""
    command, _ = asked("GET", "/api/v1/session", page(), None)
    done = lab.host(host).run(command, input_text="", timeout=60, check=False)
    return done.returncode == 0 and json.loads(done.stdout)["status"] == status


def test_an_operator_logs_in_through_the_mesh_and_changes_the_grid(lab: Lab) -> None:
    done = gridwire(lab, "gw", "init", "gw", "--endpoint", lab.address("gw"), "--yes")
    assert done.returncode == 0, done.stderr
    lab.host("gw").start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))
    until(lambda: gridwire(lab, "gw", "status").returncode == 0)

    early = gridwire(lab, "gw", "operator", "add", "ada")
    assert early.returncode == 3
    assert "gridwire invite NAME --role operator" in early.stderr

    joined(lab, "laptop", "operator")
    joined(lab, "edge", "edge")
    added = gridwire(lab, "gw", "operator", "add", "ada")
    assert added.returncode == 0, added.stderr
    url, _, link = added.stdout.strip().partition("#")
    assert url == f"http://{PANEL}/welcome"

    claim = {"link": link, "password": PASSWORD}
    until(lambda: answered(lab, "laptop", 401))
    until(lambda: answered(lab, "edge", 403))
    for host, headers, status in (
        ("edge", page(), 403),
        ("laptop", page(Host="evil.example:2086", Origin="http://evil.example:2086"), 421),
        ("laptop", page(Origin="http://evil.example"), 403),
    ):
        assert ask(lab, host, "POST", "/api/v1/session/claim", headers, claim)["status"] == status, headers
    claimed = ask(lab, "laptop", "POST", "/api/v1/session/claim", page(), claim)
    assert claimed["status"] == 200, claimed
    assert ask(lab, "laptop", "POST", "/api/v1/session/claim", page(), claim)["status"] == 403  # once

    login = ask(lab, "laptop", "POST", "/api/v1/session", page(), {"name": "ada", "password": PASSWORD})
    assert login["status"] == 200, login
    session = page(Cookie=login["cookie"].partition(";")[0])
    assert ask(lab, "laptop", "GET", "/api/v1/nodes", session)["status"] == 200

    service = {
        "name": "api",
        "target": {"address": "127.0.0.1", "port": 9000, "kind": "tcp"},
        "on": [{"kind": "node", "value": "edge"}],
    }
    route = {"name": "api", "host": "api", "to": "api", "allow": [{"kind": "role", "value": "operator"}]}
    assert ask(lab, "laptop", "PUT", "/api/v1/services/api", session, service)["status"] == 201
    assert ask(lab, "laptop", "PUT", "/api/v1/routes/api", session, route)["status"] == 201
    revisions = gridwire(lab, "gw", "revision", "list", "-o", "json")
    assert json.loads(revisions.stdout)[0]["author"] == "operator:ada"

    # A session is worth nothing from another node, whatever it says of itself.
    forged = {**session, "X-Gridwire-Peer": "10.85.1.0", "X-Forwarded-For": "10.85.1.0", "X-Real-IP": "10.85.1.0"}
    for stolen in (session, forged):
        assert ask(lab, "edge", "GET", "/api/v1/nodes", stolen)["status"] == 403
        assert ask(lab, "edge", "DELETE", "/api/v1/routes/api", stolen)["status"] == 403
    # A page cannot make nginx say that it came by TLS.
    assert ask(lab, "laptop", "GET", "/api/v1/nodes", {**session, "X-Gridwire-Scheme": "https"})["status"] == 200

    made = gridwire(lab, "gw", "token", "add", "ci", "--operator", "ada")
    assert made.returncode == 0, made.stderr
    for host in ("laptop", "edge"):
        lab.host(host).run(["sh", "-c", "umask 077; cat >/run/token"], input_text=made.stdout)
    by_token = ("--gateway", GATEWAY, "--token-file", "/run/token")
    listed = gridwire(lab, "laptop", *by_token, "node", "list", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    assert {view["node"]["name"] for view in json.loads(listed.stdout)} == {"gw", "laptop", "edge"}
    assert gridwire(lab, "laptop", *by_token, "node", "drain", "edge").returncode == 4  # it may read
    assert gridwire(lab, "edge", *by_token, "node", "list").returncode == 4
    lab.host("laptop").run(["chmod", "644", "/run/token"])
    loose = gridwire(lab, "laptop", *by_token, "node", "list")
    assert loose.returncode == 4
    assert "others may read /run/token" in loose.stderr
    lab.host("laptop").run(["chmod", "600", "/run/token"])

    command, _ = asked("GET", "/api/v1/stream", session, None)
    stream = lab.host("laptop").start(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    assert stream.stdin is not None
    assert stream.stdout is not None
    stream.stdin.close()
    assert stream.stdout.readline().strip() == "200"
    assert gridwire(lab, "gw", "operator", "disable", "ada", "--yes").returncode == 0
    assert stream.wait(10) == 0
    stream.stdout.close()
    assert ask(lab, "laptop", "GET", "/api/v1/nodes", session)["status"] == 401
    assert gridwire(lab, "laptop", *by_token, "node", "list").returncode == 4
