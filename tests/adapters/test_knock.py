"""Knocks: the first may come before the device takes packets, so that more follow."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from importlib import import_module
from ipaddress import ip_address

import pytest

from gridwire.adapters.sockets import knock
from gridwire.core.addressing import Address

LOOPBACK: Address = ip_address("127.0.0.1")


@pytest.fixture
def discard(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((str(LOOPBACK), 0))
    listener.settimeout(5)
    # The package has a function of the module's name, so that a dotted name would find that.
    monkeypatch.setattr(import_module("gridwire.adapters.sockets.knock"), "_DISCARD", listener.getsockname()[1])
    with listener:
        yield listener


def test_it_knocks_at_once_and_again_after_each_pause(discard: socket.socket) -> None:
    began = time.monotonic()
    knock([LOOPBACK], pauses=(0.05, 0.1))
    at = []
    for _ in range(3):
        assert discard.recv(10) == b"\0"
        at.append(time.monotonic() - began)
    assert at[1] >= 0.05
    assert at[2] >= 0.15
    discard.settimeout(0.3)
    with pytest.raises(TimeoutError):
        discard.recv(10)


def test_whom_nothing_can_be_sent_to_holds_the_others_up_no_time(discard: socket.socket) -> None:
    knock([ip_address("255.255.255.255"), LOOPBACK], pauses=())
    assert discard.recv(10) == b"\0"
