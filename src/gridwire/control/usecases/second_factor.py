"""Codes of an authenticator, and recovery codes: each is taken once."""

from __future__ import annotations

from datetime import datetime

from gridwire.adapters.authenticator import step_of
from gridwire.adapters.sealing import Seal
from gridwire.adapters.store import OperatorRow, Writing
from gridwire.control.caller import digest
from gridwire.core.recovery import plain_code


def code_taken(transaction: Writing, operator: OperatorRow, code: str, *, seal: Seal, now: datetime) -> bool:
    """Whether the code is right and was never taken before; it is taken now. Raise Unavailable where the secret
    cannot be opened and it is no recovery code."""
    recovery = plain_code(code)
    if recovery is not None:
        return transaction.people.take_recovery_code(operator.name, digest(recovery))
    if operator.codes is None:
        return False
    secret = seal.open(operator.codes, operator.name).decode()
    step = step_of(secret, code, now)
    return step is not None and transaction.people.take_step(operator.name, step)
