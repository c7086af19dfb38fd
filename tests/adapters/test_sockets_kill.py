"""Connections of an address that is gone end at once; others live."""

from __future__ import annotations

import socket
import subprocess
import sys
from ipaddress import ip_address

import pytest

from gridwire.adapters.sockets import holders, kill_sockets, listening
from gridwire.core.errors import Unavailable


def test_listeners_are_found_with_their_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (one,) = holders("tcp", port)
        assert (one.address, one.port) == (ip_address("127.0.0.1"), port)
        assert one.process
        assert one in listening()
        assert holders("tcp", port, ip_address("127.0.0.1")) == (one,)
        assert holders("tcp", port, ip_address("127.0.0.2")) == ()
        assert holders("udp", port) == ()
    assert holders("tcp", port) == ()


def test_missing_ss_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="apt install iproute2"):
        kill_sockets([ip_address("10.85.1.0")])


@pytest.mark.netns
def test_sockets_of_an_address_die_and_others_live() -> None:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, __file__], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _kill_some() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ("10.85.1.0/32", "10.85.1.1/32"):
        subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True)
    subprocess.run(["ip", "addr", "add", "fd85::7/128", "dev", "lo", "nodad"], check=True)
    with socket.create_server(("127.0.0.1", 0)) as v4, socket.create_server(("::1", 0), family=socket.AF_INET6) as v6:
        pairs = {}
        for source, server in (("10.85.1.0", v4), ("10.85.1.1", v4), ("fd85::7", v6)):
            client = socket.create_connection(server.getsockname()[:2], source_address=(source, 0))
            pairs[source] = (client, server.accept()[0])
        called = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # has the address at its far end only
        called.bind(("127.0.0.1", 0))
        called.connect(("10.85.1.0", 9))
        kill_sockets([])
        kill_sockets([ip_address("10.85.1.0"), ip_address("fd85::7"), ip_address("10.85.9.9")])
        for source in ("10.85.1.0", "fd85::7"):
            for end in pairs[source]:
                with pytest.raises(ConnectionError):
                    end.send(b"x")
        with called, pytest.raises(OSError, match="not connected"):
            called.getpeername()
        client, served = pairs["10.85.1.1"]
        client.send(b"alive")
        assert served.recv(5) == b"alive"
        for pair in pairs.values():
            for end in pair:
                end.close()
    kill_sockets([ip_address(0x0A560000 + n) for n in range(250)])


if __name__ == "__main__":
    _kill_some()
