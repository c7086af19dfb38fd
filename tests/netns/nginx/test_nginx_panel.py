"""The panel's files on a real nginx: under its names, to operators' devices, with what browsers are told of them."""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from gridwire.adapters.nginx import PanelSource, place_panel, placed_panel, reload_nginx, write_text
from gridwire.core.panel import PanelTable, page_policy
from gridwire.core.proxy import Listener, ListenerKind
from gridwire.lab.nginx_pair import Instance, Namespace, instance, open_folder, until
from gridwire.render.routing_data import document_text, panel_data

pytestmark = pytest.mark.netns

GATEWAY, LAPTOP, EDGE = (IPv4Address(a) for a in ("10.85.0.1", "10.85.1.1", "10.85.1.2"))
LISTENER = Listener(ListenerKind.API, GATEWAY, 2086)
HOST = "panel.grid:2086"
HOME = "<!doctype html><script src='/_next/static/a.js'></script><script>home()</script>"
NODES = "<!doctype html><script>nodes()</script>" + "<p>row</p>" * 500
TABLE = PanelTable(version=(1, 1), hosts=("10.85.0.1", "panel.grid"), operators=(LAPTOP,))


def build(folder: Path, part: str = "a") -> Path:
    (folder / "_next/static").mkdir(parents=True)
    (folder / "nodes").mkdir()
    (folder / "index.html").write_text(HOME)
    (folder / "nodes.html").write_text(NODES)
    (folder / "nodes/detail.txt").write_text("the data of a page")
    (folder / "404.html").write_text("<!doctype html><title>nothing here</title>")
    (folder / f"_next/static/{part}.js").write_text("part()" + ";" * 5000)
    (folder / ".env").write_text("secret")
    (folder / "link.txt").symlink_to("/etc/passwd")
    return folder


class Control(socketserver.ThreadingUnixStreamServer):
    """Stands for control: an event at once, another when told to, and what it was sent."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.more = threading.Event()
        self.left = threading.Event()
        self.seen: list[dict[str, str]] = []
        super().__init__(str(path), Events)
        path.chmod(0o666)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Events(BaseHTTPRequestHandler):
    server: Control

    def log_message(self, format: str, *args: object) -> None:
        pass

    def address_string(self) -> str:
        return "nginx"

    def do_GET(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        if self.path != "/api/v1/stream":
            return
        assert self.server.more.wait(20)
        self.wfile.write(b"data: two\n\n")
        if not self.connection.recv(1):
            self.server.left.set()


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = Namespace(tuple(f"{address}/32" for address in (GATEWAY, LAPTOP, EDGE)))
        self.socket = folder / "control.sock"
        self.built = build(folder / "built")
        self.nginx: Instance = instance(
            self.namespace,
            folder / "gateway",
            (LISTENER,),
            panel=TABLE,
            built=self.built,
            workers=2,
            control_socket=str(self.socket),
        )
        self.nginx.start()
        self.open: list[http.client.HTTPConnection] = []

    @property
    def root(self) -> str:
        return f"{self.nginx.launch.state}/panel"

    def push(self, folder: Path) -> None:
        """As the agent does: the files, then what is told of them."""
        built = PanelSource(folder)()
        assert built is not None
        place_panel(folder, self.root, built.digest)
        self.nginx.door.push("panel", document_text(panel_data(TABLE, built)))

    def ask(
        self, path: str = "/", *, host: str = HOST, peer: IPv4Address = LAPTOP, method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(str(GATEWAY), 2086, timeout=10, source_address=(str(peer), 0))
        with self.namespace.inside():
            connection.connect()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host, **sent})
        answer = connection.getresponse()
        if answer.headers["Content-Type"] == "text/event-stream":
            self.open.append(connection)
            return answer, b""
        content = answer.read()
        connection.close()
        return answer, content

    def close(self) -> None:
        for connection in self.open:
            connection.close()
        self.nginx.stop()
        self.namespace.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with open_folder() as folder, closing(Site(folder)) as made:
        yield made


def test_pages_have_clean_addresses_and_their_own_policies(site: Site) -> None:
    for path, text in (("/", HOME), ("/index.html", HOME), ("/nodes", NODES), ("/nodes?node=home-1", NODES)):
        answer, content = site.ask(path)
        assert (answer.status, content.decode(), answer.headers["Content-Type"]) == (
            200,
            text,
            "text/html; charset=utf-8",
        ), path
        assert answer.headers["Content-Security-Policy"] == page_policy(text)
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Cross-Origin-Opener-Policy" not in answer.headers  # browsers call it an error without TLS
        assert "Strict-Transport-Security" not in answer.headers
    answer, content = site.ask("/no/such/page")
    assert (answer.status, b"nothing here" in content) == (404, True)
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert site.ask("/nodes/detail.txt")[1] == b"the data of a page"


def test_parts_are_kept_for_ever_and_come_compressed(site: Site) -> None:
    answer, content = site.ask("/_next/static/a.js", Accept_Encoding="gzip")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(content) == (site.built / "_next/static/a.js").read_bytes()
    assert site.ask("/_next/static/a.js")[1] == gzip.decompress(content)
    missing, _ = site.ask("/_next/static/b.js")
    assert (missing.status, missing.headers["Cache-Control"]) == (404, None)
    tag = site.ask("/nodes")[0].headers["ETag"]
    assert site.ask("/nodes", If_None_Match=tag)[0].status == 304


@pytest.mark.parametrize("path", ["/", "/nodes", "/_next/static/a.js", "/no/such/page", "/404.html"])
def test_only_operators_devices_get_a_file(site: Site, path: str) -> None:
    answer, content = site.ask(path, peer=EDGE)
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (403, "not-an-operator")
    assert b"home()" not in content


@pytest.mark.parametrize("path", ["/", "/_next/static/a.js", "/api/v1/status", "/api/v1/stream", "/healthz"])
def test_another_host_name_leads_nowhere(site: Site, path: str) -> None:
    for host in ("evil.example.com", "panel.grid.evil.example.com", "10.85.0.2", "localhost", "panel.grid@evil"):
        answer, _ = site.ask(path, host=host)
        assert answer.status in (421, 400), host
    for host in ("10.85.0.1:2086", "PANEL.grid"):
        assert site.ask("/", host=host)[0].status == 200


def test_nothing_but_what_was_built_is_served(site: Site) -> None:
    for path in ("/.env", "/link.txt", "/../routing.json", "/%2e%2e/nginx.conf", "/now/index.html", "/../before"):
        answer, content = site.ask(path)
        assert answer.status in (400, 404), path
        assert b"secret" not in content
    assert site.ask("/", method="POST")[0].status == 405


def by_socket(site: Site, path: str = "/", host: str = "localhost:8443") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(site.folder / "gateway/run/panel.sock"))
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_root_has_the_panel_by_a_socket_that_outlives_a_reload_and_a_kill(site: Site) -> None:
    assert by_socket(site).content == HOME.encode()  # type: ignore[attr-defined]
    assert by_socket(site).headers["Content-Security-Policy"] == page_policy(HOME)
    assert by_socket(site).headers["Cross-Origin-Opener-Policy"] == "same-origin"
    for host in ("evil.example.com", "panel.grid"):
        assert by_socket(site, host=host).status == 421
    assert by_socket(site, "/api/v1/agent/spec").headers["X-Gridwire-Reason"] == "not-here"
    folder = (site.folder / "gateway/run/panel.sock").resolve().parent
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    launch = site.nginx.launch
    reload_nginx(launch.pid_file, launch.config, digest=site.nginx.config.digest, door=site.nginx.door)
    assert by_socket(site).status == 200
    assert site.nginx.process is not None
    workers = site.nginx.pids()
    site.nginx.process.kill()
    site.nginx.process.wait()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "the workers to end")
    site.nginx.start()
    assert by_socket(site).status == 200


def test_control_is_told_that_root_opened_the_way(site: Site) -> None:
    control = Control(site.socket)
    try:
        assert by_socket(site, "/api/v1/status").content == b"data: one\n\n"  # type: ignore[attr-defined]
        assert control.seen[0]["x-gridwire-listener"] == "breakglass"
        assert control.seen[0]["host"] == "localhost:8443"
    finally:
        control.shutdown()
        control.server_close()


def test_without_a_panel_it_is_said_and_the_api_goes_on(site: Site) -> None:
    site.nginx.door.push("panel", document_text(panel_data(TABLE, None)))
    answer, _ = site.ask("/")
    assert (answer.status, answer.headers["X-Gridwire-Reason"]) == (404, "no-panel")
    assert site.ask("/api/v1/status")[0].headers["X-Gridwire-Reason"] == "control-away"


def test_another_build_takes_its_place_and_open_pages_keep_their_parts(site: Site) -> None:
    newer = build(site.folder / "newer", part="b")
    (newer / "index.html").write_text("<script>newer()</script>")
    pids = site.nginx.pids()
    site.push(newer)
    answer, content = site.ask("/")
    assert content == b"<script>newer()</script>"
    assert answer.headers["Content-Security-Policy"] == page_policy("<script>newer()</script>")
    assert {site.ask(f"/_next/static/{part}.js")[0].status for part in "ab"} == {200}
    third = build(site.folder / "third", part="c")
    site.push(third)
    assert [site.ask(f"/_next/static/{part}.js")[0].status for part in "abc"] == [404, 200, 200]
    assert site.nginx.pids() == pids
    assert len([one for one in Path(site.root).iterdir() if not one.is_symlink()]) == 2


def test_a_disk_that_refuses_leaves_the_panel_as_it_was(site: Site) -> None:
    before = placed_panel(site.root)
    torn = build(site.folder / "torn", part="d")
    (torn / "nodes.html").chmod(0)
    (torn / "nodes.html").unlink()
    Path(site.root, "x" * 32 + ".new").write_text("a file where the folder is to be")
    with pytest.raises(Exception, match="cannot be placed"):
        place_panel(torn, site.root, "x" * 32)
    assert placed_panel(site.root) == before
    assert site.ask("/nodes")[0].status == 200


def _reconnected(site: Site) -> bytes:
    """The first line of a stream that is asked for as an EventSource does: again where it was cut. A worker that ends
    may still have taken the connection, and cuts what it holds."""
    for _ in range(20):
        with suppress(http.client.HTTPException, ConnectionError):
            again, _ = site.ask("/api/v1/stream")
            if line := again.readline():
                return line
    return b""


def test_events_pass_as_they_come_and_a_reload_ends_them(site: Site) -> None:
    control = Control(site.socket)
    try:
        answer, _ = site.ask("/api/v1/stream", X_Gridwire_Scheme="https", X_Gridwire_Peer="10.85.9.9")
        assert answer.readline() == b"data: one\n"  # while control has said nothing else
        control.more.set()
        assert [answer.readline() for _ in range(2)] == [b"\n", b"data: two\n"]
        seen = control.seen[0]
        assert (seen["x-gridwire-scheme"], seen["x-gridwire-peer"]) == ("http", str(LAPTOP))
        launch = site.nginx.launch
        write_text(launch.config, Path(launch.config).read_text() + "\n")
        reload_nginx(launch.pid_file, launch.config, digest=site.nginx.config.digest, door=site.nginx.door)
        with suppress(http.client.IncompleteRead):  # ended, long before a worker's hour is over
            assert answer.read() == b"\n"
        assert control.left.wait(10)
        assert _reconnected(site) == b"data: one\n"
    finally:
        control.shutdown()
        control.server_close()
