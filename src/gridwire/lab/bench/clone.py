"""Where the bench's configurations are: in a clone of the repository, which no wheel carries."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gridwire.core.errors import Unavailable

BENCH: Final = Path(__file__).resolve().parents[4] / "bench"


def check_clone() -> None:
    if not (BENCH / "rivals").is_dir():
        raise Unavailable(f"{BENCH / 'rivals'} is not there", fix="run the bench from a clone of the repository")
