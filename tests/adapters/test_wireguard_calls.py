"""Who calls: a handshake's first message, read with the key of whom it is for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gridwire.adapters.wireguard import new_private_key, public_of, watch_calls
from gridwire.adapters.wireguard.calls import BYTES, time_of, understand

PROGRAM = Path(__file__).parents[1] / "netns/doctor/initiation.py"
CALLER, CALLED, STRANGER = (new_private_key() for _ in range(3))
STAMP = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def begun(**more: Any) -> bytes:
    wanted = {"private": CALLER, "public": public_of(CALLED), "stamp": STAMP.timestamp(), **more}
    said = subprocess.run(
        [sys.executable, str(PROGRAM)], input=json.dumps(wanted), capture_output=True, text=True, check=True
    )
    return bytes.fromhex(said.stdout)


def test_the_called_one_reads_who_calls_and_when_by_its_clock() -> None:
    call = understand(CALLED, "192.0.2.7:1", begun())
    assert (call.caller, call.stamp, call.source) == (public_of(CALLER), STAMP, "192.0.2.7:1")


def test_nobody_else_reads_it_and_noise_is_nobodys() -> None:
    assert understand(STRANGER, "192.0.2.7:1", begun()).caller is None
    message = bytearray(begun())
    message[60] ^= 1
    assert understand(CALLED, "192.0.2.7:1", bytes(message)).caller is None
    for noise in (b"\1" + bytes(BYTES - 1), b"\1\0\0\0", os.urandom(BYTES)):
        assert understand(CALLED, "192.0.2.7:1", noise).caller is None


@pytest.mark.parametrize("seconds", [0, (1 << 62) + 10, (1 << 64) - 1])
def test_a_stamp_of_any_value_is_a_time(seconds: int) -> None:
    assert time_of(seconds.to_bytes(8) + b"\xff" * 4).tzinfo is UTC


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at packets")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_only_what_begins_a_handshake_at_the_port_is_looked_at(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as bound, socket.socket(family, socket.SOCK_DGRAM) as sender:
        bound.bind((host, 0))
        sender.bind((host, 0))
        port = bound.getsockname()[1]
        source = f"[{host}]:{sender.getsockname()[1]}" if ":" in host else f"{host}:{sender.getsockname()[1]}"
        message = begun()
        found: list[Any] = []
        watching = Thread(
            target=lambda: found.extend(watch_calls(CALLED, port, 20, lambda call: call.caller is not None))
        )
        watching.start()
        while watching.is_alive():  # what was sent before the tap stood is not seen
            sender.sendto(b"\4" + message[1:], (host, port))
            sender.sendto(message, (host, port - 1))
            sender.sendto(message, (host, port))
            watching.join(0.05)
    assert [call.caller for call in found] == [public_of(CALLER)]
    assert found[0].source == source
