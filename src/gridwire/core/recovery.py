"""Recovery codes: for who has lost the authenticator. Eighty random bits each, in groups that can be read aloud."""

from __future__ import annotations

import re
from typing import Final

COUNT: Final = 10
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
LENGTH: Final = 16  # of 31 signs: 79 bits
_GROUP: Final = 4
_PLAIN = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def shown_code(plain: str) -> str:
    """In groups of four."""
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


def plain_code(given: str) -> str | None:
    """What a person typed, without blanks and dashes; none where it is no recovery code."""
    plain = given.lower().replace("-", "").replace(" ", "").strip()
    return plain if _PLAIN.fullmatch(plain) else None
