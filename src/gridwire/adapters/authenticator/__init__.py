"""Time-based codes (RFC 6238), as authenticator apps make them: SHA-1, six digits, 30 seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyotp
import segno

_SECONDS: Final = 30
_WINDOW: Final = 1  # steps that a phone's clock may be off either way


def new_secret() -> str:
    """160 bits in base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def address_of(secret: str, name: str, grid: str) -> str:
    """``otpauth://…``, which apps read from a QR code. A secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"gridwire {grid}")


def picture_of(uri: str) -> str:
    """A QR code of it: a ``data:`` URI of SVG."""
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=4, border=2)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The number of the 30 seconds whose code it is; none where it is wrong. Who takes it sees that none is taken
    twice (RFC 6238 §5.2)."""
    given = "".join(code.split())
    if len(given) != 6 or not (given.isascii() and given.isdecimal()):
        return None
    totp = pyotp.TOTP(secret)
    step = int(now.timestamp()) // _SECONDS
    found = None
    for candidate in range(step - _WINDOW, step + _WINDOW + 1):  # all of them: which one it was takes no other time
        if pyotp.utils.strings_equal(given, totp.generate_otp(candidate)):
            found = candidate
    return found
