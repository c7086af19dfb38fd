"""Operators: persons who may administer the grid. Their names, passwords and what they may; when they must wait.

A password is refused for three reasons only: too short, known to everybody, or made of the name. Rules about digits
and signs make passwords worse (NIST SP 800-63B §3.1.1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from gridwire.core.errors import Invalid
from gridwire.core.names import check_label

OperatorName = NewType("OperatorName", str)

SHORTEST_PASSWORD: Final = 12  # characters
LONGEST_PASSWORD: Final = 1024  # bytes of UTF-8: argon2 hashes any length, and nobody is to make it hash megabytes
LINK_HOURS: Final = 24
# Of lists of leaked passwords, those that are long enough to be taken otherwise.
_TRIED_FIRST: Final = (
    "123456789012 1234567890123 12345678901234 123456789123 1234567890qwertyuiop 1q2w3e4r5t6y 1q2w3e4r5t6y7u8i "
    "1qaz2wsx3edc 1qaz2wsx3edc4rfv qwertyuiop123 qwertyuiopasdf qwerty123456 qwertyqwerty 123qweasdzxc "
    "zaq12wsxcde3 asdfghjkl123 asdfasdfasdf password1234 password12345 password123456 passwordpassword "
    "password!123 p@ssword1234 p@ssw0rd1234 administrator admin1234567 adminadminadmin welcome12345 "
    "welcome123456 letmeinletmein iloveyou1234 iloveyouforever changemechangeme changeme1234 "
    "correcthorsebatterystaple abcdefghijkl abcdefghijklm abc123abc123 abcd1234abcd 112233445566 123123123123 "
    "123321123321 987654321012 gridwiregridwire gridwire1234"
)
_COMMON: Final = frozenset(_TRIED_FIRST.split())
_FEWEST_DIFFERENT: Final = 5  # characters: "aaaaaaaaaaaa" is long, and nothing else

# A guesser on an operator's device is slowed down there, and nowhere else.
FREE_FAILURES: Final = 5  # of one name on one device, before it has to wait
FREE_FAILURES_OF_DEVICE: Final = 20
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=24)


class May(StrEnum):
    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often a login failed, and when last."""

    count: int
    at: datetime


def operator_name(value: str, field: str = "name") -> OperatorName:
    return OperatorName(check_label(value, field))


def check_password(name: str, password: str, field: str = "password") -> str:
    """The password, where it may be one of this operator's; raise Invalid."""
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(field, f"it is shorter than {SHORTEST_PASSWORD} characters", fix="use a few words in a row")
    if len(password.encode(errors="surrogatepass")) > LONGEST_PASSWORD:
        raise Invalid(field, f"it is longer than {LONGEST_PASSWORD} bytes", fix="use a shorter one")
    plain = "".join(password.lower().split())
    if plain in _COMMON or password.lower() in _COMMON or len(set(plain)) < _FEWEST_DIFFERENT:
        raise Invalid(field, "it is one of those that are tried first", fix="use a few words in a row")
    rest = plain.replace(name.lower(), "")
    if len(rest) < SHORTEST_PASSWORD // 2 and rest != plain:
        raise Invalid(field, "it is little more than the name", fix="use a few words in a row")
    return password


def waits_until(failures: Failures | None, free: int) -> datetime | None:
    """When the next try is heard: twice as long with each failure beyond the free ones, 15 minutes at most."""
    if failures is None or failures.count < free:
        return None
    doublings = min(failures.count - free, 20)
    return failures.at + min(timedelta(seconds=2**doublings), LONGEST_WAIT)
