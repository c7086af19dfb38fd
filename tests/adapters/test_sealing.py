"""What is sealed is opened by the same key and for the same holder, and by nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridwire.adapters.sealing import Seal, random_seal, seal_of
from gridwire.core.errors import Unavailable

SEAL = Seal(bytes(range(32)))


@given(st.binary(max_size=100), st.text(max_size=20))
def test_what_is_sealed_is_opened(secret: bytes, holder: str) -> None:
    sealed = SEAL.close(secret, holder)
    assert SEAL.open(sealed, holder) == secret
    assert sealed != SEAL.close(secret, holder)


@given(st.binary(min_size=1, max_size=40), st.integers(0, 10**6), st.integers(1, 255))
def test_an_altered_one_is_not(secret: bytes, place: int, bits: int) -> None:
    sealed = bytearray(SEAL.close(secret, "ada"))
    sealed[place % len(sealed)] ^= bits
    with pytest.raises(Unavailable):
        SEAL.open(bytes(sealed), "ada")


def test_nor_one_of_another_key_or_holder() -> None:
    sealed = SEAL.close(b"secret", "ada")
    for seal, holder in ((random_seal(), "ada"), (SEAL, "bob")):
        with pytest.raises(Unavailable) as caught:
            seal.open(sealed, holder)
        assert caught.value.code == "sealed"
    for cut in (b"", sealed[:11], sealed[:12], sealed[:-1]):
        with pytest.raises(Unavailable):
            SEAL.open(cut, "ada")


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    sealed = seal_of(path).close(b"secret", "ada")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert seal_of(path).open(sealed, "ada") == b"secret"


def test_a_key_that_is_none_is_not_used(tmp_path: Path) -> None:
    loose, short, away = tmp_path / "loose", tmp_path / "short", tmp_path / "nowhere" / "seal.key"
    for path, size, mode in ((loose, 32, 0o640), (short, 31, 0o600)):
        path.write_bytes(os.urandom(size))
        path.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(short)
    for path in (loose, short, away, link):
        with pytest.raises(Unavailable):
            seal_of(path)
