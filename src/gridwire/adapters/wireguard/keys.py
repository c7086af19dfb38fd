"""X25519 keys in WireGuard's base64."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gridwire.core.errors import Invalid
from gridwire.core.wireguard import PublicKey, decode_key


def new_private_key() -> str:
    """44 characters of base64, as `wg genkey` prints them. Goes to a 0600 file, a pipe or a screen, nowhere else."""
    return base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_of(private: str) -> PublicKey:
    """The public half; raise Invalid, without the value, for what is not a key."""
    try:
        raw = decode_key(private, "")
    except Invalid:
        raise Invalid("private key", "it is not a WireGuard key", fix="make one with `wg genkey`") from None
    public = X25519PrivateKey.from_private_bytes(raw).public_key()
    return PublicKey(base64.b64encode(public.public_bytes_raw()).decode())
