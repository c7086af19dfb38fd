"""Echoes, datagrams and the time that another host says: over loopback."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address

import pytest

from gridwire.adapters.sockets import SMALL, ask, echo, largest_echo, said_time
from gridwire.core.doctor.tunnel import Reply

HERE = ip_address("127.0.0.1")
LOOPBACKS = pytest.mark.parametrize("address", [HERE, ip_address("::1")], ids=str)
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to send echoes")


@LOOPBACKS
def test_a_port_that_nobody_has_is_refused_and_one_that_is_silent_is_silent(address: object) -> None:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # type: ignore[attr-defined]
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as bound:
        bound.bind((str(address), 0))
        port = bound.getsockname()[1]
        assert ask(address, port, patience=0.3) is Reply.SILENT  # type: ignore[arg-type]
    assert ask(address, port, patience=5) is Reply.REFUSED  # type: ignore[arg-type]


@ROOT
@LOOPBACKS
@pytest.mark.parametrize("size", [SMALL, 1420, 9001])
def test_an_echo_of_any_size_comes_back(address: object, size: int) -> None:
    assert echo(address, size)  # type: ignore[arg-type]


@ROOT
def test_what_cannot_be_sent_is_not_answered() -> None:
    assert not echo(HERE, 70_000, tries=1)
    most = largest_echo(HERE, 576, 80_000)
    assert 65_000 < most <= 65_536, "loopback's mtu"


class Answer(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response_only(421)
        self.send_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        self.end_headers()


def test_the_time_that_a_server_says_is_taken_whatever_it_answers() -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert said_time(HERE, server.server_port) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
        port = server.server_port
    assert said_time(HERE, port, patience=0.5) is None
