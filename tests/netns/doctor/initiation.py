"""Begin a WireGuard handshake with any stamp, as a host whose clock is wrong does (WireGuard paper §5.4.2).

    python initiation.py < {"private": …, "public": the called one's, "to": "203.0.113.7:51820", "stamp": seconds}

sends it, and prints it in hexadecimal. Keys come on standard input: argv is for all to see. Without ``to`` it is only
printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def blake2s(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def derive(chain: bytes, data: bytes) -> tuple[bytes, bytes]:
    extracted = hmac.new(chain, data, hashlib.blake2s).digest()
    first = hmac.new(extracted, b"\1", hashlib.blake2s).digest()
    return first, hmac.new(extracted, first + b"\2", hashlib.blake2s).digest()


def initiation(private: bytes, called: bytes, seconds: float) -> bytes:
    own, ephemeral = X25519PrivateKey.from_private_bytes(private), X25519PrivateKey.generate()
    theirs = X25519PublicKey.from_public_bytes(called)
    public = ephemeral.public_key().public_bytes_raw()
    chain = blake2s(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    transcript = blake2s(blake2s(blake2s(chain + b"WireGuard v1 zx2c4 Jason@zx2c4.com") + called) + public)
    chain, _ = derive(chain, public)
    chain, key = derive(chain, ephemeral.exchange(theirs))
    static = ChaCha20Poly1305(key).encrypt(bytes(12), own.public_key().public_bytes_raw(), transcript)
    transcript = blake2s(transcript + static)
    _, key = derive(chain, own.exchange(theirs))
    stamp = struct.pack("!QI", (1 << 62) + 10 + int(seconds), 0)
    sealed = ChaCha20Poly1305(key).encrypt(bytes(12), stamp, transcript)
    body = b"\1\0\0\0" + os.urandom(4) + public + static + sealed
    return body + hashlib.blake2s(body, key=blake2s(b"mac1----" + called), digest_size=16).digest() + bytes(16)


def main() -> None:
    given = json.load(sys.stdin)
    message = initiation(base64.b64decode(given["private"]), base64.b64decode(given["public"]), given["stamp"])
    if "to" in given:
        host, port = given["to"].split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(message, (host, int(port)))
    print(message.hex())


if __name__ == "__main__":
    main()
