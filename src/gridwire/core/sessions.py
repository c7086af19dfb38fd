"""Sessions and API tokens: how long they last, and how their secrets are told apart."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from gridwire.core.errors import Invalid
from gridwire.core.names import shown

IDLE: Final = timedelta(hours=12)
ABSOLUTE: Final = timedelta(days=7)
# For what outlives a session (another way in, another operator), who stole one must not be enough.
FRESH: Final = timedelta(minutes=15)
MOST_SESSIONS: Final = 20  # of one operator; the one that is unused for longest makes room

TOKEN_PREFIX: Final = "gwt_"  # noqa: S105 so that scanners of repositories know one when they see it
TOKEN_DAYS: Final = 90
LONGEST_TOKEN_DAYS: Final = 366
MOST_TOKENS: Final = 50  # of one operator
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")


def session_ends(began: datetime, used: datetime) -> datetime:
    """When a session is over, unless it is used before."""
    return min(began + ABSOLUTE, used + IDLE)


def token_label(value: str, field: str = "label") -> str:
    """What a token is for, in a word; raise Invalid."""
    if _LABEL.fullmatch(value) is None:
        raise Invalid(field, f"{shown(value)} is not a label", fix="use 1 to 48 letters, digits and . _ -")
    return value


def token_lifetime(days: int, field: str = "days") -> timedelta:
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        raise Invalid(field, f"a token lasts 1 to {LONGEST_TOKEN_DAYS} days", fix=f"{TOKEN_DAYS} is the usual")
    return timedelta(days=days)
