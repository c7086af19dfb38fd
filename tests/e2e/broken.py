"""A grid in which one thing of each kind is broken, as it breaks at three in the morning.

    home-1  its host is off                   photos, of which it has the only endpoint, is lost
    home-2  its agent hangs                   its tunnel stands, and what it serves is served on
    cabin   its tunnel is cut on the way      git, likewise, is lost
    nas     its application fails the check   wiki has two endpoints of three
    office  its application answers 500       shop fails at one endpoint of two
            two programs listen to others     on all addresses, and on the mesh's

A policy refuses the operator's laptop, a certificate ends in four days, the last change was rolled back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gridwire.adapters.control_api import calls
from gridwire.control.reports import REPORT_FRESH
from gridwire.core import paths
from gridwire.core.fleet import Role
from gridwire.core.health import Standing
from gridwire.lab.grid import GATEWAY, LINKS, OPERATOR, Grid, control_answers
from gridwire.lab.topology import ROUTER, Place, build
from gridwire.lab.waiting import until
from gridwire.protocol.api import Status

EDGES = {"home-1": "site=home", "home-2": "wiki=yes", "nas": "wiki=yes", "office": "wiki=yes", "cabin": "site=cabin"}
SHOP = ("nas", "office")
PLACES = (
    Place(host=GATEWAY, link="gateway", number=7),
    Place(host=OPERATOR, link="homes", number=21),
    *(Place(host=edge, link="edges", number=10 + number) for number, edge in enumerate(EDGES, 1)),
)
APP, SHOP_APP = 9000, 9001
_MODE = "/run/app-{port}"  # what is wrong with an app of a host: nothing, "sick" or "broken"
_APP = """
import http.server, pathlib, sys
port = int(sys.argv[1])
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        mode = pathlib.Path(f"/run/app-{port}")
        bad = mode.exists() and mode.read_text() == ("sick" if self.path == "/healthz" else "broken")
        self.send_response(500 if bad else 200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\\n")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), App).serve_forever()
"""
_USERS = """
import http.client, sys, time
while True:
    for host in sys.argv[2:]:
        try:
            asked = http.client.HTTPConnection(sys.argv[1], 80, timeout=3)
            asked.request("GET", "/", headers={"Host": host})
            asked.getresponse().read()
            asked.close()
        except (OSError, http.client.HTTPException):
            pass
    time.sleep(0.1)
"""
_LISTENERS = """
import signal, socket, sys
kept = [socket.create_server((address, int(port))) for address, port in (one.split(":") for one in sys.argv[1:])]
signal.pause()
"""
_PIDS = """
import pathlib
for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    words = path.read_bytes().split(b"\\0")
    if words[-4:-3] == [b"agent"] and b"gridwire.cli.main" in words:
        print(path.parent.name)
"""
_CUT = """
table ip cut {{
  chain on_its_way {{
    type filter hook forward priority filter
    ip saddr {address} udp dport 51820 drop
    ip daddr {address} udp sport 51820 drop
  }}
}}
"""


def build_broken(say: Callable[[str], None]) -> Grid:
    """From no hosts to a grid that is broken, and known to be so; leaves nothing where it fails."""
    grid = Grid(lab=build(LINKS, PLACES))
    try:
        _whole(grid, say)
        _break(grid, say)
    except BaseException:
        grid.close()
        raise
    return grid


def _whole(grid: Grid, say: Callable[[str], None]) -> None:
    say("the gateway, with a certificate of its own that ends in four days")
    found_grid(grid)
    say("edges")
    for edge in EDGES:
        for port in (APP, SHOP_APP):
            grid.host(edge).start_logged([sys.executable, "-c", _APP, str(port)], Path(f"/var/log/app-{port}.log"))
    for edge, tag in EDGES.items():
        tags = ("--tag", tag, *(("--tag", "shop=yes") if edge in SHOP else ()))
        grid.join(edge, grid.invite(edge, "edge", *tags), "--reach", f"127.0.0.1:{APP}-{SHOP_APP}")
    grid.command(GATEWAY, "invite", "phone", "--role", "client", "--tag", "owner=ann", "--config", "/run/phone.conf")
    say("services, routes, a policy")
    for service, on, port in (
        ("photos", "node:home-1", APP),
        ("wiki", "tag:wiki=yes", APP),
        ("git", "node:cabin", APP),
        ("shop", "tag:shop=yes", SHOP_APP),
    ):
        to = ("--to", f"127.0.0.1:{port}", "--on", on, "--health", "http:/healthz")
        grid.command(GATEWAY, "service", "publish", service, *to)
        allow = ("--allow", "role:client", "--allow", "role:operator")
        grid.command(GATEWAY, "route", "add", "--host", service, "--to", service, *allow)
    grid.command(GATEWAY, "policy", "set", "family", "--allow", "tag:owner=ann")
    grid.command(GATEWAY, "route", "add", "--host", "payroll", "--to", "wiki", "--allow", "policy:family")
    grid.learn_addresses()
    until(lambda: _serving(grid) >= {"photos", "wiki", "git", "shop"}, "all services", timeout=60, every=0.2)


def found_grid(grid: Grid) -> None:
    """The gateway and the operator's laptop."""
    gateway = grid.host(GATEWAY)
    grid.command(GATEWAY, "init", GATEWAY, "--yes", "--endpoint", f"{grid.lab.address(GATEWAY)}:51820")
    certificate, key = _certificate("*.home.example.com", days=4)
    for name, text in (("chain.pem", certificate), ("key.pem", key)):
        (gateway.root / "etc/gridwire" / name).write_bytes(text)
    (gateway.root / "etc/gridwire/key.pem").chmod(0o600)
    settings = gateway.root / paths.SETTINGS.lstrip("/")
    own = "tls: {certificate: /etc/gridwire/chain.pem, key: /etc/gridwire/key.pem}\n"
    settings.write_text(settings.read_text() + own)
    grid.up(GATEWAY)
    until(lambda: control_answers(grid), "control on the gateway", timeout=30)
    grid.join(OPERATOR, grid.invite(OPERATOR, "operator"))
    grid.learn_addresses()


def _break(grid: Grid, say: Callable[[str], None]) -> None:
    say("a change, and its way back")
    number = _status(grid).revision
    grid.command(GATEWAY, "route", "add", "--host", "tv", "--to", "wiki", "--allow", "role:client")
    grid.command(GATEWAY, "revision", "rollback", str(number), "--yes")
    say("all that breaks")
    grid.lab.holders["home-1"].process.kill()
    for pid in grid.host("home-2").run([sys.executable, "-c", _PIDS]).stdout.split():
        grid.host("home-2").run(["kill", "-STOP", pid])
    grid.host(ROUTER).run(["nft", "-f", "-"], input_text=_CUT.format(address=grid.lab.address("cabin")))
    _spoil(grid, "nas", APP, "sick")
    _spoil(grid, "office", SHOP_APP, "broken")
    places = ("0.0.0.0:8080", f"{grid.mesh['office']}:8081")
    grid.host("office").start_logged([sys.executable, "-c", _LISTENERS, *places], Path("/var/log/listeners.log"))
    hosts = ("shop.grid", "wiki.grid", "photos.grid")
    argv = [sys.executable, "-c", _USERS, grid.mesh[GATEWAY], *hosts]
    grid.host(OPERATOR).start_logged(argv, Path("/var/log/users.log"))
    say("until the grid knows")
    until(lambda: _lost(grid) == {"home-1", "cabin"}, "two edges that nothing reaches", timeout=60, every=0.5)
    until(lambda: _silent(grid, "home-2"), "an agent that is silent", timeout=60, every=0.5)


def _spoil(grid: Grid, edge: str, port: int, how: str) -> None:
    (grid.host(edge).root / _MODE.format(port=port).lstrip("/")).write_text(how)


def _status(grid: Grid) -> Status:
    with grid.api() as api:
        status: Status = api.send(calls.status()).body
    return status


def _serving(grid: Grid) -> set[str]:
    return {one.service.name for one in _status(grid).services if one.standing is Standing.SERVING}


def _lost(grid: Grid) -> set[str]:
    edges = (one for one in _status(grid).nodes if one.node.role is Role.EDGE)
    return {one.node.name for one in edges if one.unreached or one.connected is False}


def _silent(grid: Grid, name: str) -> bool:
    (last,) = (one.reported_at for one in _status(grid).nodes if one.node.name == name)
    return last is not None and datetime.now(UTC) - last > REPORT_FRESH


def _certificate(name: str, *, days: int) -> tuple[bytes, bytes]:
    """One that vouches for itself, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=86))
        .not_valid_after(now + timedelta(days=days, hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
