"""Names of endpoints: a resolver that hangs holds nobody up, and what it says at last is not lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gridwire.adapters.wireguard import resolve as module
from gridwire.adapters.wireguard.resolve import resolve
from gridwire.core.errors import Unavailable

HOST = "gw.example.com"


class Resolver:
    """getaddrinfo that answers when ``answers`` is set."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        assert self.answers.wait(30)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.9", port))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.answers.set()


def test_a_literal_asks_nobody(resolver: Resolver) -> None:
    assert resolve("192.0.2.1:51820") == "192.0.2.1:51820"
    assert resolver.asked == 0


def test_a_resolver_that_hangs_is_left_after_a_moment_and_its_late_answer_is_used(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"gw\.example\.com does not resolve \(no answer in 0\.05 s\)"):
            resolve(f"{HOST}:51820")
    assert time.monotonic() - began < 2
    assert resolver.asked == 1, "one thread for a name, however often it is asked for"
    resolver.answers.set()
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 10)
    assert resolve(f"{HOST}:51820") == "192.0.2.9:51820"
    assert resolver.asked == 1
    assert resolve(f"{HOST}:51820") == "192.0.2.9:51820"
    assert resolver.asked == 2, "and an answer is used once"


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_what_does_not_resolve_says_why(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unavailable, match=r"not known|too long") as raised:
        resolve(f"{HOST}:51820")
    assert raised.value.code == "unresolved"
