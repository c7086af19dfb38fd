"""The LocalAPI as tailscaled 1.102.5 answered it, recorded; asked over a real Unix socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from queue import Queue
from socketserver import ThreadingUnixStreamServer
from urllib.parse import parse_qs, urlsplit

import pytest

from gridwire.adapters.tailscale import LocalApi, TailnetWatch
from gridwire.adapters.tailscale.answers import concerns, parse_status, parse_whois
from gridwire.core.errors import Conflict, NotFound, Unavailable
from gridwire.core.names import Interface
from gridwire.core.tailnet import DEVICE, Login, TailnetObserved, TailnetTag, carrier_grade, check_host, standing

CASES = Path(__file__).parent.parent / "cases" / "tailscale"
NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
BUS = (CASES / "running" / "bus.jsonl").read_bytes().splitlines(keepends=True)
GATEWAY = (ip_address("100.64.0.1"), ip_address("fd7a:115c:a1e0:ab12:4843:cd96:6240:1"))
EDGE = (ip_address("100.64.0.2"), ip_address("fd7a:115c:a1e0:ab12:4843:cd96:6240:2"))


def status(case: str) -> bytes:
    return (CASES / case / "status.json").read_bytes()


def observed(case: str, held: tuple[object, ...] = ()) -> TailnetObserved:
    found = parse_status(status(case))
    return TailnetObserved(
        state=found.state,
        userspace=found.userspace,
        interface=DEVICE,
        own=found.own,
        held=held,  # type: ignore[arg-type]
        key_expires=found.key_expires,
        members=found.members,
    )


class Tailscaled:
    """Plays the recorded answers of one case; ``said`` is what its bus says next, none ends the stream."""

    def __init__(self, case: str) -> None:
        self.case = CASES / case
        self.said: Queue[bytes | None] = Queue()
        self.masks: Queue[int] = Queue()


@contextmanager
def serving(path: Path, played: Tailscaled) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            # As localapi.go does: a Host of a page that a browser was led to is refused.
            if self.headers["Host"] not in ("", "local-tailscaled.sock"):
                self.send_error(403)
            elif url.path == "/localapi/v0/watch-ipn-bus":
                self._stream(int(parse_qs(url.query)["mask"][0]))
            else:
                name = "status" if url.path.endswith("/status") else f"whois-{parse_qs(url.query)['addr'][0]}"
                self._answer(played.case / f"{name}.json")

        def _answer(self, file: Path) -> None:
            if not file.exists():
                self.send_error(404)
                return
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _stream(self, mask: int) -> None:
            played.masks.put(mask)
            self.send_response(200)
            self.end_headers()
            while (line := played.said.get()) is not None:
                self.wfile.write(line)
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingUnixStreamServer):
        daemon_threads = True

        def get_request(self) -> tuple[object, tuple[str, int]]:  # type: ignore[override]
            return super().get_request()[0], ("local", 0)

    server = Server(str(path), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        played.said.put(None)
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink()


def test_a_running_node_knows_itself_and_its_peers(tmp_path: Path) -> None:
    with serving(tmp_path / "ts.sock", Tailscaled("running")):
        found = LocalApi(str(tmp_path / "ts.sock")).status()
    assert (found.state, found.userspace, found.key_expires) == ("Running", False, None)
    assert found.own is not None
    assert (found.own.name, found.own.addresses) == ("gw.lab.ts.net", GATEWAY)
    assert found.own.login == "user-1@fake-control.example.net"
    (peer,) = found.members
    assert (peer.member.name, peer.member.addresses, peer.member.id) == ("edge1.lab.ts.net", EDGE, "TESTCTRL00000002")
    assert peer.online
    assert peer.received_bytes > 0
    assert peer.latest_handshake is not None


def test_a_node_with_tags_is_no_users(tmp_path: Path) -> None:
    """The profile that comes with it is of whoever logged it in, or of `tagged-devices`."""
    with serving(tmp_path / "ts.sock", Tailscaled("running")):
        api = LocalApi(str(tmp_path / "ts.sock"))
        edge, gateway = api.whois(EDGE[0]), api.whois(GATEWAY[0])
        with pytest.raises(NotFound):
            api.whois(ip_address("100.64.0.9"))
    assert (edge.tags, edge.login) == ((TailnetTag("edge"),), None)
    assert (gateway.tags, gateway.login) == ((), Login("user-1@fake-control.example.net"))
    assert not edge.same_owner(gateway)


def test_whois_and_status_say_the_same_of_a_node() -> None:
    (peer,) = parse_status(status("running")).members
    assert peer.member == parse_whois((CASES / "running" / "whois-100.64.0.2.json").read_bytes())


def test_logging_in_anew_is_another_node_of_the_same_owner() -> None:
    before = parse_status(status("running")).members[0].member
    after = parse_status(status("logged-in-anew")).own
    assert after is not None
    assert after.id != before.id
    assert after.addresses != before.addresses
    assert after.same_owner(before)
    assert not replace(after, tags=(TailnetTag("edge"), TailnetTag("gateway"))).same_owner(before)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("logged-out", "tailscale-not-running"),
        ("stopped", "tailscale-not-running"),
        ("key-expired", "tailscale-expired"),
        ("userspace", "tailscale-userspace"),
    ],
)
def test_what_keeps_a_node_from_serving_is_said_with_its_fix(case: str, code: str) -> None:
    error = standing(observed(case), NOW)
    assert error is not None
    assert error.code == code
    assert "tailscale" in error.fix
    assert isinstance(error, Conflict if case == "userspace" else Unavailable)


def test_an_expired_nodes_addresses_are_told_by_tailscaled_and_gone_from_the_kernel() -> None:
    """Recorded: status names them, `ip address` does not. What serves is what the kernel has."""
    seen = observed("key-expired")
    assert seen.own is not None
    assert seen.own.addresses == GATEWAY
    assert standing(replace(seen, key_expires=NOW + timedelta(days=1), state="Running"), NOW) is not None
    assert standing(replace(seen, key_expires=NOW + timedelta(days=1), state="Running", held=GATEWAY), NOW) is None


def test_peers_that_tailscaled_only_counts_are_no_members() -> None:
    assert parse_status(status("logged-out")).members == ()


def test_a_host_is_a_node_only_by_an_ipv4_address() -> None:
    assert check_host(observed("running", GATEWAY), NOW).name == "gw.lab.ts.net"
    with pytest.raises(Conflict, match="no IPv4"):
        check_host(observed("running", GATEWAY[1:]), NOW)


def test_carrier_grade_nat_is_found_and_explained() -> None:
    assert carrier_grade((("eth0", ip_address("192.0.2.1")),)) == ()
    (found,) = carrier_grade((("eth0", ip_address("100.72.3.4")),))
    assert "eth0 has 100.72.3.4" in found.what
    assert "RFC 6598" in found.what


def test_the_kernel_is_asked_which_addresses_are_there(tmp_path: Path) -> None:
    with serving(tmp_path / "ts.sock", Tailscaled("running")):
        seen = LocalApi(str(tmp_path / "ts.sock")).observe(Interface("lo"))
    assert seen.own is not None
    assert seen.held == ()  # lo has none of them


@pytest.mark.parametrize("text", [b"{}", b"[]", b"no JSON", b'{"BackendState": "Running"}'])
def test_another_answer_is_refused_and_not_guessed_at(text: bytes) -> None:
    with pytest.raises(Unavailable, match="not understood"):
        parse_status(text)
    with pytest.raises(Unavailable, match="not understood"):
        parse_whois(text)


def test_a_tailscaled_that_is_away_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"ts\.sock.*systemctl start tailscaled"):
        LocalApi(str(tmp_path / "ts.sock")).status()


def test_what_changes_a_node_wakes_and_how_well_it_is_does_not() -> None:
    """As tailscaled said it, while it was logged out, came up again and its key expired."""
    told = [sorted(key for key, value in json.loads(line).items() if value is not None) for line in BUS]
    assert [concerns(line) for line in BUS] == [bool({"State", "SelfChange"} & set(keys)) for keys in told]
    assert {True, False} == {concerns(line) for line in BUS}
    assert concerns(b"no JSON\n")
    assert concerns(b'{"PeersRemoved":[2]}\n')
    assert not concerns(b'{"Version":"1.102.5","PeerChangedPatch":[{"NodeID":2,"Online":false}]}\n')


def test_a_change_wakes_and_so_does_a_tailscaled_that_goes_and_comes(tmp_path: Path) -> None:
    socket = tmp_path / "ts.sock"
    woken = threading.Semaphore(0)
    first = Tailscaled("running")
    with serving(socket, first):
        watch = TailnetWatch(woken.release, str(socket))
        for line in BUS:
            first.said.put(line)
            if concerns(line):
                assert woken.acquire(timeout=5)
    assert woken.acquire(timeout=5)  # it went
    again = Tailscaled("running")
    with serving(socket, again):
        masks = {first.masks.get(timeout=5), again.masks.get(timeout=5)}
        while woken.acquire(blocking=False):
            pass
        again.said.put(b'{"Version":"1.102.5","State":6}\n')
        assert woken.acquire(timeout=5)
        watch.close()
    assert masks == {1 << 1 | 1 << 12 | 1 << 15}  # the state at once, peers that change, and patches apart
