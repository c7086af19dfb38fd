"""Keys, dumps, what is missing on a host, and the process that is a device."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from gridwire.adapters.wireguard import choice, new_private_key, public_of, read_host_networks, select
from gridwire.adapters.wireguard.binary import check_tun, find_binary, version_of
from gridwire.adapters.wireguard.buffers import RECEIVE_BYTES
from gridwire.adapters.wireguard.dump import parse_device, parse_dump
from gridwire.adapters.wireguard.uapi import serving_pid
from gridwire.adapters.wireguard.userspace import UserspaceBackend
from gridwire.adapters.wireguard.wg import find_wg
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.observed import Known

# With a process namespace too: whatever the test started ends with it, also where it failed or hung.
OWN_NAMESPACES = ["unshare", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
KEY = base64.b64encode(b"k" * 32).decode()
SECRET = base64.b64encode(b"s" * 32).decode()
PEER = base64.b64encode(b"p" * 32).decode()


def test_dump_is_understood_and_drops_the_private_key() -> None:
    dump = parse_dump(
        f"{SECRET}\t{KEY}\t51820\toff\n"
        f"{PEER}\t(none)\t[fd00::1]:7\t10.85.1.2/32,10.85.1.0/32\t1893456000\t10\t20\t15\n"
        f"{KEY}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n"
    )
    assert SECRET not in repr(dump)
    assert (dump.public_key, dump.listen_port) == (KEY, 51820)
    silent, peer = dump.peers
    assert peer.allowed_ips == (ip_network("10.85.1.0/32"), ip_network("10.85.1.2/32"))
    assert peer.endpoint == "[fd00::1]:7"
    assert peer.latest_handshake == datetime(2030, 1, 1, tzinfo=UTC)
    assert (peer.received_bytes, peer.sent_bytes, peer.keepalive) == (10, 20, 15)
    assert (silent.endpoint, silent.allowed_ips, silent.latest_handshake, silent.keepalive) == (None, (), None, 0)


def test_wireguard_gos_own_words_are_understood_as_the_dump_is() -> None:
    def in_hex(key: str) -> str:
        return base64.b64decode(key).hex()

    words = (
        f"private_key={in_hex(SECRET)}\nlisten_port=51820\n"
        f"public_key={in_hex(PEER)}\npreshared_key={in_hex(SECRET)}\nprotocol_version=1\nendpoint=[fd00::1]:7\n"
        "last_handshake_time_sec=1893456000\nlast_handshake_time_nsec=5\ntx_bytes=20\nrx_bytes=10\n"
        "persistent_keepalive_interval=15\nallowed_ip=10.85.1.2/32\nallowed_ip=10.85.1.0/32\n"
        f"public_key={in_hex(KEY)}\npreshared_key={'0' * 64}\nprotocol_version=1\nlast_handshake_time_sec=0\n"
        "last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\nerrno=0\n\n"
    )
    public = public_of(SECRET)
    dump = parse_dump(
        f"{SECRET}\t{public}\t51820\toff\n"
        f"{PEER}\t(none)\t[fd00::1]:7\t10.85.1.2/32,10.85.1.0/32\t1893456000\t10\t20\t15\n"
        f"{KEY}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n"
    )
    assert parse_device(words) == dump
    assert in_hex(SECRET) not in repr(parse_device(words))
    assert parse_device("listen_port=7\nerrno=0\n\n") == parse_dump("(none)\t(none)\t7\toff\n")
    with pytest.raises(ValueError, match="errno=-2"):
        parse_device("errno=-2\n\n")


@pytest.mark.parametrize(
    "text", ["", "a\tb\n", f"{SECRET}\t{KEY}\t51820\toff\nx\ty\n", f"{SECRET}\t{KEY}\tport\toff\n"]
)
def test_dump_that_is_none_says_so_without_the_private_key(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_dump(text)
    assert SECRET not in str(raised.value)


def test_keys_are_those_of_wg() -> None:
    private = new_private_key()
    wg = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True)
    assert public_of(private) == wg.stdout.strip()
    assert new_private_key() != private


@pytest.mark.parametrize("text", ["", "secret", SECRET[:-1], SECRET + "=", "é" * 44, "!" * 44])
def test_what_is_no_private_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        public_of(text)
    assert not text or (text[:8] not in str(raised.value) and ascii(text)[1:9] not in str(raised.value))


def test_missing_tun_prints_the_containers_two_lines(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as raised:
        check_tun(tmp_path / "tun")
    assert "lxc.cgroup2.devices.allow: c 10:200 rwm\n" in raised.value.fix
    assert "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file" in raised.value.fix


def test_missing_programs_name_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt install wireguard-tools"):
        select()
    with pytest.raises(Unavailable, match="apt install wireguard-go"):
        find_binary()
    with pytest.raises(Unavailable, match=r"/nowhere/wg-go is not there"):
        find_binary("/nowhere/wg-go")
    (tmp_path / "broken").write_text("no program")
    with pytest.raises(Unavailable, match="does not run"):
        version_of(str(tmp_path / "broken"))


def test_kernel_is_taken_where_it_has_wireguard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "kernel_has_wireguard", lambda: True)
    assert select("/nowhere/wg-go").kind == "kernel"
    monkeypatch.setattr(choice, "kernel_has_wireguard", lambda: False)
    chosen = select()
    assert chosen.kind == "wireguard-go"
    assert chosen.version.startswith("wireguard-go v")


def test_host_networks_name_this_hosts_loopback() -> None:
    networks = read_host_networks()
    assert ("lo", "127.0.0.1/8") in [(name, str(address)) for name, address in networks.addresses]
    assert all(route.prefixlen < 32 or not route.is_loopback for _, route in networks.routes)


@pytest.mark.netns
def test_second_server_waits_for_the_first_and_takes_over() -> None:
    """What `gridwire mesh run` does beside a device that `gridwire join` started."""
    done = subprocess.run(
        [*OWN_NAMESPACES, sys.executable, __file__],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.01)


def _take_over() -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    backend = UserspaceBackend(find_wg(), find_binary())
    backend.start("gw0")
    first = serving_pid("gw0")
    assert first is not None
    code = "from gridwire.adapters.wireguard import serve; serve._GONE_SECONDS = 0.2; serve.exec_device('gw0')"
    second = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    assert "wireguard-go v" in second.stderr.readline(), "the version is logged"
    assert f"served by process {first}" in second.stderr.readline()
    backend.start("gw0")
    assert serving_pid("gw0") == first, "what already runs is adopted"
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.6)  # longer than it gives a link that nobody serves
    os.kill(first, signal.SIGKILL)  # leaves its socket behind
    _until(lambda: serving_pid("gw0") == second.pid, 2.0)
    subprocess.run(["wg", "set", "gw0", "listen-port", "51820"], check=True)
    subprocess.run(["ip", "link", "set", "gw0", "up"], check=True)
    _until(lambda: _receive_buffers() == [2 * RECEIVE_BYTES] * 2)
    _until(lambda: isinstance(seen := backend.observe("gw0"), Known) and seen.value is not None)
    second.kill()
    second.wait()
    second.stderr.close()
    _until(lambda: backend.observe("gw0") == Known(None))
    backend.stop("gw0")


@pytest.mark.netns
def test_a_burst_finds_room_in_the_sockets_of_wireguard_go() -> None:
    done = subprocess.run(
        [*OWN_NAMESPACES, sys.executable, __file__, "burst"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _burst() -> None:
    """More than the kernel's default holds, all while wireguard-go stands still."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    backend = UserspaceBackend(find_wg(), find_binary())
    backend.start("gw0")
    for argv in (["wg", "set", "gw0", "listen-port", "51820"], ["ip", "link", "set", "gw0", "up"]):
        subprocess.run(argv, check=True)
    _until(lambda: len(_receive_buffers()) == 2)  # one of IPv4, one of IPv6
    standing = _receive_buffers()
    _until(lambda: backend.tend("gw0") is None and _receive_buffers() == [2 * RECEIVE_BYTES] * 2)
    assert max(standing) < 2 * RECEIVE_BYTES
    pid = serving_pid("gw0")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    before = _udp("RcvbufErrors")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(1000):
            sender.sendto(b"x" * 1400, ("127.0.0.1", 51820))
    assert _udp("RcvbufErrors") == before
    os.kill(pid, signal.SIGCONT)
    backend.tend("gw9")  # nobody serves it
    backend.stop("gw0")


def _receive_buffers() -> list[int]:
    said = subprocess.run(["ss", "-Huanm"], capture_output=True, text=True, check=True).stdout
    return [int(found) for found in re.findall(r"rb(\d+)", said)]


def _udp(counter: str) -> int:
    names, values = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Udp:"]
    return int(values[names.index(counter)])


if __name__ == "__main__":
    _burst() if sys.argv[1:] == ["burst"] else _take_over()


def test_a_killed_tunnel_does_not_wait_for_the_library_of_netlink(tmp_path: Path) -> None:
    """The socket that it left says that the kernel has no WireGuard; asking again takes a third of the time back."""
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "gw9.sock"))
    stale.close()
    code = """
import os, sys
from pathlib import Path
from gridwire.adapters.wireguard import serve, uapi
uapi.SOCKETS = Path(sys.argv[1])
def execve(path, argv, environment):
    print(argv[1:], "pyroute2" in sys.modules, os.listdir(sys.argv[1]))
    sys.exit()
os.execve = execve
serve.exec_device("gw9", "true", tun=Path("/dev/null"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == "['-f', 'gw9'] False []\n"
