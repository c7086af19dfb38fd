"""Twenty seconds on the weak host model: a listener bound to a mesh address answers whoever is on the link.

Linux takes a packet for any of its addresses on any interface (RFC 1122 §3.3.4.2), so "we listen on the mesh
address only" hides nothing from a neighbour. The guard does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from gridwire.adapters.nginx import find_nginx
from gridwire.lab.host import Host
from gridwire.lab.listeners import listening
from gridwire.lab.topology import Link, Place, build
from gridwire.lab.waiting import until

MESH_ADDRESS, PREFIX = "10.85.0.1", "10.85.0.0/16"
GATEWAY, INTRUDER = "gateway", "intruder"
_NGINX_CONF = """
worker_processes 1; pid /run/weak.pid; error_log stderr crit; user root;
events { worker_connections 64; }
http {
client_body_temp_path /run/weak-1; proxy_temp_path /run/weak-2; fastcgi_temp_path /run/weak-3;
uwsgi_temp_path /run/weak-4; scgi_temp_path /run/weak-5;
access_log off; server { listen 10.85.0.1:80; return 200 "hello, stranger\\n"; } }
"""
_ASK = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=2)
try:
    connection.request("GET", "/")
    answer = connection.getresponse()
    print(answer.status, answer.read().decode().strip())
except OSError as error:
    print("no answer:", type(error).__name__)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a stranger without a key was told, before and after: an HTTP status, or none for silence."""

    listener: str
    bare: int | None
    bare_said: str
    guarded: int | None
    guarded_said: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.bare == 200 and self.guarded is None


def run(step: Callable[[str], None]) -> Seen:
    """Two hosts on one link, a plain nginx on a mesh address; raise GridwireError where they cannot be built."""
    start = time.monotonic()
    step("two hosts on one link; nginx bound to a mesh address")
    link = Link(name="link", prefix=IPv4Network("203.0.113.0/24"))
    strict = {"net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.default.rp_filter": 1}
    places = (
        Place(host=GATEWAY, link="link", number=7, sysctls=strict),
        Place(host=INTRUDER, link="link", number=66),
    )
    lab = build((link,), places)
    try:
        gateway, intruder = lab.host(GATEWAY), lab.host(INTRUDER)
        _serve(gateway)
        listener = ", ".join(str(one) for one in listening(gateway) if one.protocol == "tcp")
        step(f"the intruder: ip route add {PREFIX} via {lab.address(GATEWAY)}; curl http://{MESH_ADDRESS}/")
        intruder.run(["ip", "route", "add", PREFIX, "via", lab.address(GATEWAY)])
        bare = _ask(intruder)
        step("the guard is loaded on the gateway")
        gateway.run([sys.executable, "-m", "gridwire.lab.weak_host_guard", MESH_ADDRESS, PREFIX])
        step("the intruder asks again")
        guarded = _ask(intruder)
    finally:
        lab.close()
    return Seen(
        listener=listener,
        bare=bare[0],
        bare_said=bare[1],
        guarded=guarded[0],
        guarded_said=guarded[1],
        seconds=round(time.monotonic() - start, 1),
    )


def _serve(gateway: Host) -> None:
    """A device called gw0 with the mesh address, and an nginx that listens on that address alone."""
    for line in ("link add gw0 type bridge", f"addr add {MESH_ADDRESS}/16 dev gw0", "link set gw0 up"):
        gateway.run(["ip", *line.split()])
    Path(f"{gateway.root}/run/weak.conf").write_text(_NGINX_CONF)
    binary = find_nginx().binary
    gateway.start([binary, "-c", "/run/weak.conf", "-g", "daemon off;"], stdout=None, stderr=None)
    until(lambda: any(one.port == 80 for one in listening(gateway)), "nginx to listen", timeout=5)


def _ask(intruder: Host) -> tuple[int | None, str]:
    said = intruder.run([sys.executable, "-I", "-S", "-c", _ASK, MESH_ADDRESS]).stdout.strip()
    first, _, rest = said.partition(" ")
    return (int(first), rest) if first.isdigit() else (None, said)


def lines(seen: Seen) -> tuple[str, ...]:
    """What was seen, for a person."""
    return (
        f"nginx listens on {seen.listener} and nowhere else; rp_filter is strict; the stranger has no key",
        f"without the guard   GET http://{MESH_ADDRESS}/   {seen.bare or ''} {seen.bare_said}",
        f"with the guard      GET http://{MESH_ADDRESS}/   {seen.guarded or ''} {seen.guarded_said}",
    )


def document(seen: Seen) -> dict[str, object]:
    return {"ok": seen.ok, **asdict(seen)}
