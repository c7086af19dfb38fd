"""Secrets that control has to use, sealed before they are stored: AES-256-GCM with a key that is in no backup.

The key is a file beside nothing that is copied with the database: who has the database, or a backup of it, has no
TOTP secret. Who has the host has both.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridwire.core.errors import Unavailable

KEY_BYTES: Final = 32
_NONCE: Final = 12  # RFC 5116 §5.1


class Seal:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, secret: bytes, belongs_to: str) -> bytes:
        """Sealed for one holder: moved to another's row it does not open."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, belongs_to.encode())

    def open(self, sealed: bytes, belongs_to: str) -> bytes:
        """Raise Unavailable where another key sealed it, as after a restore elsewhere."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], belongs_to.encode())
        except (InvalidTag, ValueError):  # the latter: it is shorter than a nonce
            raise Unavailable(
                "the secret of the codes was sealed with another key than this host has",
                fix=f"log in with a recovery code, or: gridwire operator passwd {belongs_to} --forget",
                code="sealed",
            ) from None


def random_seal() -> Seal:
    """What it seals cannot be opened by another process."""
    return Seal(secrets.token_bytes(KEY_BYTES))


def seal_of(path: Path) -> Seal:
    """The seal with the key in that file, which is made where there is none. Raise Unavailable for one that others
    may read, or that is no key."""
    try:
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            return Seal(_read(path))
        with os.fdopen(file, "wb") as target:
            key = secrets.token_bytes(KEY_BYTES)
            target.write(key)
            target.flush()
            os.fsync(target.fileno())
        return Seal(key)
    except OSError as error:
        raise Unavailable(f"{path} cannot be used ({error.strerror})", fix="control makes it as its own user") from None


def _read(path: Path) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(file, "rb") as source:
        if os.fstat(source.fileno()).st_mode & 0o077:
            raise Unavailable(f"others may read {path}", fix=f"chmod 600 {path}")
        key = source.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise Unavailable(f"{path} is no key of {KEY_BYTES} bytes", fix="restore it, or remove it: codes are then void")
    return key
