"""The panel over real WireGuard: an operator's device opens it, an edge is refused, and a stranger finds nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from tests.netns.commands import GRIDWIRE, gridwire, until

import gridwire as package
from gridwire.lab.topology import Lab, Link, Place, build

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]
PUBLIC = Link(name="public", prefix=IPv4Network("203.0.113.0/24"))
HOME = Link(name="home", prefix=IPv4Network("198.51.100.0/24"))
PANEL = Path(package.__file__).resolve().parents[2] / "panel"
# A page of our own in place of whatever was built here, on this host alone.
BUILD = f"mount -t tmpfs panel {PANEL} && mkdir {PANEL}/out && echo '<p>the panel</p>' > {PANEL}/out/index.html"
# URL, file with the authority or "", seconds → status and what came, or why nothing did.
ASK = """
import ssl, sys, urllib.error, urllib.request
url, authority, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
context = ssl.create_default_context(cafile=authority) if authority else None
try:
    with urllib.request.urlopen(url, timeout=seconds, context=context) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.headers.get("X-Gridwire-Reason"))
except OSError as error:
    print("nothing", error)
"""


def ask(lab: Lab, host: str, url: str, *, authority: str = "", seconds: float = 10) -> str:
    argv = [sys.executable, "-c", ASK, url, authority, str(seconds)]
    return lab.host(host).run(argv, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    places = [
        Place(host="gw", link="public", number=7),
        Place(host="intruder", link="public", number=66),
        Place(host="laptop", link="home", number=4),
        Place(host="e1", link="home", number=5),
    ]
    made = build((PUBLIC, HOME), places)
    try:
        made.host("gw").run(["sh", "-c", BUILD])
        ran = gridwire(made, "gw", "init", "gw", "--endpoint", made.address("gw"), "--yes", "-o", "json")
        assert ran.returncode == 0, ran.stderr
        made.host("gw").start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))
        until(lambda: gridwire(made, "gw", "status").returncode == 0, 90)
        for name, role in (("laptop", "operator"), ("e1", "edge")):
            told = gridwire(made, "gw", "invite", name, "--role", role, "-o", "json")
            assert gridwire(made, name, "join", stdin=json.loads(told.stdout)["token"]).returncode == 0
            made.host(name).start_logged([*GRIDWIRE, "up"], Path("/var/log/up.log"))
        until(lambda: gridwire(made, "gw", "status").returncode == 0, 90)
        until(lambda: "panel.grid" in made.host("laptop").run(["cat", "/etc/hosts"]).stdout, 90)
        yield made
    finally:
        made.close()


def test_an_operators_device_opens_the_panel_by_its_name_and_with_tls(lab: Lab) -> None:
    until(lambda: ask(lab, "laptop", "http://panel.grid:2086/") == "200 <p>the panel</p>", 90)
    authority = ask(lab, "laptop", "http://panel.grid:2086/ca.pem").removeprefix("200 ")
    lab.host("laptop").run(["tee", "/run/ca.pem"], input_text=authority)
    for url in ("https://panel.grid:2443/", "https://10.85.0.1:2443/"):
        assert ask(lab, "laptop", url, authority="/run/ca.pem") == "200 <p>the panel</p>", url
    assert "not trusted" in ask(lab, "laptop", "https://panel.grid:2443/").replace(
        "self-signed", "not trusted"
    ).replace("unable to get local issuer", "not trusted")


def test_an_edge_is_refused_and_its_guard_says_nothing_of_the_operators_port(lab: Lab) -> None:
    assert ask(lab, "e1", "http://10.85.0.1:2086/") == "403 not-an-operator"
    assert ask(lab, "e1", "https://10.85.0.1:2443/", seconds=2).startswith("nothing")
    assert "panel.grid" not in lab.host("e1").run(["cat", "/etc/hosts"]).stdout


def test_an_intruder_on_the_link_finds_nothing_on_any_of_the_ports(lab: Lab) -> None:
    lab.host("intruder").run(["ip", "route", "add", "10.85.0.0/16", "via", lab.address("gw")])
    for port in (443, 2443, 2086):
        for address in ("10.85.0.1", lab.address("gw")):
            said = ask(lab, "intruder", f"http://{address}:{port}/", seconds=2)
            assert said.startswith("nothing"), (address, port)


def test_the_socket_opens_for_root_alone(lab: Lab) -> None:
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/gridwire/panel.sock')\n"
        "s.sendall(b'GET / HTTP/1.0\\r\\nHost: localhost:8443\\r\\n\\r\\n'); print(s.makefile().read())"
    )
    argv = ["/usr/bin/python3", "-c", script]
    assert "the panel" in lab.host("gw").run(argv).stdout
    refused = lab.host("gw").run(["setpriv", "--reuid=64502", "--clear-groups", *argv], check=False)
    assert "PermissionError" in refused.stderr


def test_the_gateway_tells_its_certificates(lab: Lab) -> None:
    script = (
        "import http.client, socket, sys\n"
        "c = http.client.HTTPConnection('localhost'); c.sock = socket.socket(socket.AF_UNIX)\n"
        "c.sock.connect('/run/gridwire/local.sock'); c.request('GET', '/api/v1/certificates')\n"
        "print(c.getresponse().read().decode())"
    )

    def told() -> list[dict[str, object]]:
        said = lab.host("gw").run([sys.executable, "-c", script]).stdout
        return [one["certificate"] for one in json.loads(said)["items"]]

    until(lambda: len(told()) == 2, 90)
    leaf, authority = told()
    assert (leaf["names"], leaf["source"], leaf["authority"]) == (["panel.grid", "10.85.0.1"], "internal", False)
    assert (authority["names"], authority["authority"]) == (["grid", "10.85.0.0/16"], True)
    keys = lab.host("gw").run(["grep", "-rl", "PRIVATE KEY", "/var/lib/gridwire"]).stdout.split()
    assert sorted(key.rsplit("/", 1)[0] for key in keys) == [
        "/var/lib/gridwire/agent",
        "/var/lib/gridwire/nginx/certificates",
    ]
