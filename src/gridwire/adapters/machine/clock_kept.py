"""Whether something keeps this clock right, as the kernel was told: adjtimex(2)."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import ClassVar

_STA_UNSYNC = 0x40


class _Timex(ctypes.Structure):
    """The head of struct timex; the kernel writes all of it, 208 bytes at most."""

    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    ]


def clock_kept() -> bool | None:
    """None where it cannot be asked."""
    told = _Timex(modes=0)  # to ask needs no right; only to set does
    try:
        state = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not told.status & _STA_UNSYNC
