"""Passwords are compared with the right hash, in time that tells nothing, and a few at once."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from gridwire.adapters.passwords import AT_ONCE, QUEUE, Passwords
from gridwire.core.errors import Unavailable

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_the_usual_cost_is_argon2id_as_rfc_9106_has_it() -> None:
    hashed = Passwords().hash("seven green boats")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["seven green boats", "", "пароль", "\ud800", "a\x00b", "x" * 1024])
def test_a_password_is_its_own(password: str) -> None:
    passwords = Passwords(CHEAP)
    hashed = passwords.hash(password)
    assert passwords.verify(hashed, password)
    assert not passwords.verify(hashed, password + "x")
    assert not passwords.verify(None, password)
    assert not passwords.verify("no hash", password)


def test_a_name_that_is_nobodys_costs_as_much() -> None:
    """The hash of nobody's password is of the same cost, and is compared with."""
    compared: list[str | bytes] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            compared.append(hash)
            return super().verify(hash, password)

    passwords = Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.verify(None, "seven green boats")
    passwords.verify(passwords.hash("another"), "seven green boats")
    assert [str(one).rpartition("$")[0].rpartition("$")[0] for one in compared] == ["$argon2id$v=19$m=8,t=1,p=1"] * 2


def test_only_so_many_at_once_and_the_rest_is_told_to_come_again() -> None:
    running, most, refused = [0], [0], []
    entered, gate, lock = threading.Semaphore(0), threading.Event(), threading.Lock()

    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            entered.release()
            gate.wait(30)
            with lock:
                running[0] -= 1
            raise VerifyMismatchError

    passwords = Passwords(Slow(time_cost=1, memory_cost=8, parallelism=1))
    hashed = passwords.hash("x")

    def one() -> None:
        try:
            passwords.verify(hashed, "y")
        except Unavailable as error:
            refused.append(error.code)
            if len(refused) == 5:
                gate.set()

    threads = [threading.Thread(target=one) for _ in range(AT_ONCE + QUEUE + 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == ["busy"] * 5
    assert most[0] == AT_ONCE
