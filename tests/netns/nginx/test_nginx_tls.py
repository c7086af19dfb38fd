"""TLS on a real nginx: the certificate by name, a rotation under load, a given one that changes, and HTTP beside it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from gridwire.adapters.certificates import CertificateFiles, Given, issue_leaf, make_authority, read_authority
from gridwire.adapters.nginx import write_text
from gridwire.agent.certificates import Certificates
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.panel import PanelTable
from gridwire.core.proxy import Grant, Listener, ListenerKind, Pool, ProxySpec, RouteEntry, RoutingTable
from gridwire.lab.nginx_pair import Instance, Namespace, instance, open_folder
from gridwire.render.routing_data import certificate_data, document_text

pytestmark = pytest.mark.netns

GATEWAY, LAPTOP, EDGE = (IPv4Address(a) for a in ("10.85.0.1", "10.85.1.1", "10.85.1.2"))
NOW = datetime.now(UTC)
USER = "www-data"
IDENTITY = JoinedAs(
    node=NodeName("gw"),
    role=Role.GATEWAY,
    address=GATEWAY,
    prefix=IPv4Network("10.85.0.0/16"),
    interface=Interface("gw0"),
    suffix=HostName("grid"),
)
PANEL = PanelTable(version=(1, 1), hosts=("10.85.0.1", "panel.grid"), operators=(LAPTOP,))
LISTENERS = tuple(
    Listener(kind, GATEWAY, port)
    for kind, port in (
        *((ListenerKind.ROUTES, 80), (ListenerKind.TLS, 443), (ListenerKind.API, 2086)),
        (ListenerKind.PANEL, 2443),
    )
)


def table(*hosts: str) -> RoutingTable:
    return RoutingTable(
        version=(1, 1),
        routes=tuple(RouteEntry(name=host[:3], host=host, path="/", grant="g", service="s") for host in hosts),
        grants=(Grant(id="g", addresses=(LAPTOP,)),),
        pools=tuple[Pool, ...](),
    )


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.given = Given(certificate=str(folder / "given.pem"), key=str(folder / "given.key"))
        self.namespace = Namespace(tuple(f"{address}/32" for address in (GATEWAY, LAPTOP, EDGE)))
        built = folder / "built"
        built.mkdir()
        (built / "index.html").write_text("home")
        self.routing = table("api.grid", "*.apps.grid")
        self.nginx: Instance = instance(
            self.namespace, folder / "gw", LISTENERS, routing=self.routing, panel=PANEL, built=built, workers=2
        )
        self.served = Path(self.nginx.launch.state, "certificates")
        self.certificates = self.keeper()
        self.nginx.start()

    def keeper(self, given: Given | None = None) -> Certificates:
        files = CertificateFiles(str(self.folder / "agent"), str(self.served), USER, given)
        return Certificates(IDENTITY, files, lambda: self.now)

    def settle(self) -> None:
        """As the agent does, until there is nothing to do."""
        spec = replace(first_spec(IDENTITY), proxy=ProxySpec(listeners=LISTENERS, routing=self.routing))
        for _ in range(3):
            plan = self.certificates.plan(spec, self.certificates.observe(), self.now)
            assert plan is not None
            for action in plan.before:
                assert self.certificates.apply(action)
            text = document_text(certificate_data((1, 1), plan.table))
            write_text(f"{self.nginx.launch.state}/certificates.json", text)
            self.nginx.door.push("certificates", text)
            for action in plan.after:
                assert self.certificates.apply(action)
            if not plan.before and not plan.after:
                return
        raise AssertionError("it does not settle")

    def trust(self, authority: Path | None = None, *protocols: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(authority or self.folder / "agent/ca.pem"))
        context.set_alpn_protocols([*protocols, "http/1.1"])
        return context

    def connect(
        self, port: int, name: str, *, peer: IPv4Address = LAPTOP, context: ssl.SSLContext | None = None
    ) -> ssl.SSLSocket:
        with self.namespace.inside():
            plain = socket.create_connection((str(GATEWAY), port), 10, (str(peer), 0))
        try:
            return (context or self.trust()).wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def shown(self, port: int, name: str, context: ssl.SSLContext | None = None) -> set[str]:
        with self.connect(port, name, context=context) as secure:
            found = secure.getpeercert() or {}
            return {str(value) for _, value in found["subjectAltName"]}

    def ask(self, port: int, host: str, path: str = "/", *, peer: IPv4Address = LAPTOP) -> str:
        with self.connect(port, host, peer=peer) as secure:
            return answer(secure, host, path)

    def plain(self, port: int, path: str, *, peer: IPv4Address = LAPTOP) -> str:
        with self.namespace.inside():
            connection = socket.create_connection((str(GATEWAY), port), 10, (str(peer), 0))
        with connection:
            return answer(connection, str(GATEWAY), path)

    def close(self) -> None:
        self.nginx.stop()
        self.namespace.close()


def answer(connection: socket.socket, host: str, path: str) -> str:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.fixture
def site() -> Iterator[Site]:
    with open_folder() as folder, closing(Site(folder)) as made:
        yield made


def test_each_name_has_its_certificate_and_nothing_reloads(site: Site) -> None:
    pids = site.nginx.pids()
    with pytest.raises((ssl.SSLError, ConnectionError)):  # none yet: the handshake ends
        site.shown(443, "api.grid", ssl._create_unverified_context())
    site.settle()
    assert site.shown(443, "api.grid") == {"api.grid"}
    assert site.shown(443, "API.grid") == {"api.grid"}
    assert site.shown(443, "one.apps.grid") == {"*.apps.grid"}
    for port, name in ((2443, "panel.grid"), (2443, "10.85.0.1"), (443, "10.85.0.1")):
        assert site.shown(port, name) == {"panel.grid", "10.85.0.1"}
    with pytest.raises(ssl.SSLCertVerificationError):
        site.shown(443, "unknown.grid")
    site.routing = table("api.grid", "new.grid")
    site.settle()
    assert site.shown(443, "new.grid") == {"new.grid"}
    assert site.nginx.pids() == pids
    site.nginx.stop()
    site.nginx.start()
    assert site.shown(443, "new.grid") == {"new.grid"}, "what is on disk is shown after a start"


def test_routes_and_panel_answer_over_tls_and_http_still_does(site: Site) -> None:
    site.settle()
    assert "no-endpoint" in site.ask(443, "api.grid")  # matched and allowed; there is no edge in this test
    assert site.ask(2443, "panel.grid").endswith("home")
    assert site.ask(2443, "10.85.0.1").endswith("home")
    assert "not-an-operator" in site.ask(2443, "panel.grid", peer=EDGE)
    assert "control-away" in site.ask(2443, "panel.grid", "/api/v1/status")
    assert "not-here" in site.ask(
        2443, "panel.grid", "/api/v1/agent/spec"
    )  # agents ask inside the tunnel, in the clear
    assert site.plain(2086, "/").endswith("home")
    for port in (443, 2443):
        assert "tls-wanted" in site.plain(port, "/")
    assert "Strict-Transport-Security" not in site.ask(2443, "panel.grid")


def test_the_panel_speaks_http2_and_routes_do_not(site: Site) -> None:
    site.settle()
    context = site.trust(None, "h2")
    with site.connect(2443, "panel.grid", context=context) as secure:
        assert secure.selected_alpn_protocol() == "h2"
    with site.connect(443, "api.grid", context=context) as secure:
        assert secure.selected_alpn_protocol() == "http/1.1"


def test_the_authority_is_offered_to_all_who_reach_the_port(site: Site) -> None:
    assert "no-authority" in site.plain(2086, "/ca.pem")
    site.settle()
    for peer in (LAPTOP, EDGE):
        text = site.plain(2086, "/ca.pem", peer=peer)
        assert "application/x-x509-ca-cert" in text
        assert text.endswith((site.folder / "agent/ca.pem").read_text())
        assert "PRIVATE" not in text


def test_a_rotation_under_load_fails_no_request_and_reaches_every_worker(site: Site) -> None:
    site.settle()
    ended, counts, failures = threading.Event(), Counter[str](), list[str]()
    context = ssl._create_unverified_context()  # the authority changes too

    def load() -> None:
        while not ended.is_set():
            try:
                with site.connect(2443, "panel.grid", context=context) as secure:
                    counts[answer(secure, "panel.grid", "/")[-4:]] += 1
            except OSError as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    serials = set()
    for turn in range(12):
        site.now = NOW + timedelta(seconds=turn + 1)
        (site.folder / "agent/ca.key").unlink()  # so that another authority signs all anew
        site.settle()
        with site.connect(2443, "panel.grid") as secure:
            serials.add((secure.getpeercert() or {})["serialNumber"])
    ended.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert counts["home"] == sum(counts.values()) > 12
    assert len(serials) == 12
    assert site.nginx.door.state()["generation"] == 1


def test_a_given_certificate_is_shown_and_a_changed_file_is_taken_and_a_broken_one_is_not(site: Site) -> None:
    other = make_authority(HostName("grid"), (IDENTITY.prefix,), NOW)
    Path(site.folder / "other.pem").write_bytes(other[0])
    trusted = site.trust(site.folder / "other.pem")

    def put(*names: str, at: datetime = NOW) -> None:
        text = issue_leaf(read_authority(*other), names, at).decode()
        key, chain = text.split("-----BEGIN CERTIFICATE-----")
        Path(site.given.certificate).write_text(f"-----BEGIN CERTIFICATE-----{chain}")
        Path(site.given.key).write_text(key)

    put("panel.grid", "api.grid")  # no wildcard of one label: clients take none
    site.certificates = site.keeper(site.given)
    site.settle()
    assert site.shown(443, "api.grid", trusted) == {"panel.grid", "api.grid"}
    assert site.shown(2443, "panel.grid", trusted) == {"panel.grid", "api.grid"}
    assert site.shown(2443, "10.85.0.1") == {"panel.grid", "10.85.0.1"}
    assert site.shown(443, "one.apps.grid") == {"*.apps.grid"}, "what it is not for has the grid's own"
    put("api.grid", at=NOW + timedelta(seconds=1))
    site.settle()
    assert site.shown(443, "api.grid", trusted) == {"api.grid"}
    Path(site.given.key).write_text("torn")
    site.settle()
    assert site.shown(443, "api.grid", trusted) == {"api.grid"}
    (found,) = site.certificates.findings()
    assert found.id == "certificate-broken"


def test_no_key_is_in_nginxs_text_data_or_logs(site: Site) -> None:
    site.settle()
    site.ask(2443, "panel.grid")
    state = Path(site.nginx.launch.state)
    keys = [path.read_text().split("-----")[2].strip() for path in site.served.glob("*.pem")]
    said = site.nginx.log() + site.nginx.log("access.log") + str(site.nginx.door.state())
    texts = [path.read_text() for path in state.glob("*.*") if path.is_file()]
    assert len(keys) == 3
    for key in keys:
        assert len(key) > 100
        assert not any(key[:40] in text for text in (*texts, said))
