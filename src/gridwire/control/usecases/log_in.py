"""A login by name and password: counted before it is judged, so that a thousand at once are a thousand.

A guesser is slowed down on the device that it guesses on, for the name that it guesses at; a device that guesses at
many names, for all. So nobody can keep a person out but on a device that is the person's and the guesser's both, and
there for 15 minutes at a time. Devices cannot be made up: each has a key that root or an operator let in.
"""

from __future__ import annotations

import math
from datetime import datetime

from gridwire.adapters.store import OperatorRow, Writing
from gridwire.control.caller import digest
from gridwire.control.errors import Locked, NotKnown
from gridwire.control.logins import Logins
from gridwire.control.usecases.open_session import Device, Opened, open_session
from gridwire.control.usecases.second_factor import code_taken
from gridwire.core.operators import FREE_FAILURES, FREE_FAILURES_OF_DEVICE, Failures, waits_until
from gridwire.protocol.operators import Method

ANY = ""  # in the place of a name's hash: failures of a device, whatever the name


def begin_login(transaction: Writing, name: str, device: Device, *, now: datetime) -> str | None:
    """The hash to compare the password with, none for nobody's; raise Locked where it is not heard yet.

    The try counts as failed until ``finish_login`` says otherwise.
    """
    people = transaction.people
    key, at = digest(name), device.node.address
    of_name, of_device = people.failures(key, at), people.failures(ANY, at)
    waits = [waits_until(of_name, FREE_FAILURES), waits_until(of_device, FREE_FAILURES_OF_DEVICE)]
    until = max((wait for wait in waits if wait is not None), default=None)
    if until is not None and until > now:
        raise Locked(
            "too many logins failed on this device",
            fix="wait, log in with a passkey or on another device, or have root run `gridwire operator unlock NAME`",
            seconds=math.ceil((until - now).total_seconds()),
        )
    people.set_failures(key, at, _one_more(of_name, now))
    people.set_failures(ANY, at, _one_more(of_device, now))
    operator = people.operator(name)
    return None if operator is None or operator.disabled is not None else operator.password


def finish_login(
    transaction: Writing,
    name: str,
    device: Device,
    *,
    compared: str | None,
    same: bool,
    code: str | None,
    logins: Logins,
    now: datetime,
) -> Opened | NotKnown:
    """A session; or a refusal, *returned*, since it has been written down. ``compared``: what ``begin_login`` gave."""
    operator = transaction.people.operator(name)
    if not same or operator is None or operator.disabled is not None or operator.password != compared:
        return _refused(transaction, name, operator, device, "the password", logins, now)
    by: Method = "password"
    if operator.codes is not None:
        if not code:
            forgive(transaction, name, device)
            return NotKnown(
                "a code is wanted too", fix="send the authenticator's, or a recovery code", code="code-wanted"
            )
        if not code_taken(transaction, operator, code, seal=logins.seal, now=now):
            return _refused(transaction, name, operator, device, "the code", logins, now)
        by = "code"
    forgive(transaction, name, device, all_=True)
    return open_session(transaction, transaction.people.known(name), device, by=by, now=now)


def _refused(
    transaction: Writing,
    name: str,
    operator: OperatorRow | None,
    device: Device,
    what: str,
    logins: Logins,
    now: datetime,
) -> NotKnown:
    """A name that is nobody's is not written down: it may be a password that was typed in the wrong place."""
    counted = transaction.people.failures(digest(name), device.node.address)
    count = 0 if counted is None else counted.count
    first = logins.to_tell(digest(name), device.node.address, now)
    if first or count == 1 or count >= FREE_FAILURES:  # others would fill the audit chain and say no more
        transaction.append_event(
            actor=f"node:{device.node.name}",
            kind="session.locked" if count >= FREE_FAILURES else "session.refused",
            subject="nobody" if operator is None else operator.name,
            detail=f"{what} was wrong, {count} times in a row, on {device}" if count > 1 else f"{what}, on {device}",
            now=now,
        )
    return NotKnown("name, password or code is wrong", fix="try again", code="wrong-login")


def _one_more(failures: Failures | None, now: datetime) -> Failures:
    return Failures(count=1 if failures is None else failures.count + 1, at=now)


def forgive(transaction: Writing, name: str, device: Device, *, all_: bool = False) -> None:
    """This try was no failure; with ``all_`` those of the name before it are forgotten too, on this device."""
    for key in (digest(name), ANY):
        failures = transaction.people.failures(key, device.node.address)
        if failures is not None:
            left = 0 if all_ and key != ANY else failures.count - 1
            kept = Failures(count=left, at=failures.at) if left > 0 else None
            transaction.people.set_failures(key, device.node.address, kept)


def locked_until(of_name: tuple[Failures, ...], now: datetime) -> datetime | None:
    """The longest wait that is not over, of one name's failures on all devices."""
    waits = [waits_until(failures, FREE_FAILURES) for failures in of_name]
    return max((wait for wait in waits if wait is not None and wait > now), default=None)


def unlock(transaction: Writing, name: str, *, author: str, now: datetime) -> None:
    """Forget the failures of a name, and those of devices."""
    operator = transaction.people.known(name)
    transaction.people.forget_failures(digest(operator.name))
    transaction.people.forget_failures(ANY)
    transaction.append_event(
        actor=author, kind="operator.unlocked", subject=operator.name, detail="failed logins are forgotten", now=now
    )
