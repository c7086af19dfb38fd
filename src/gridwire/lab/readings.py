"""Records for the load client: generated readings of a few sensors, or the lines of a file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from gridwire.core.errors import Invalid
from gridwire.lab.records import parse_lines

Reading = tuple[str, str]  # id, JSON line


def readings(source: Path | None, seed: int, prefix: str) -> Iterator[Reading]:
    """Endless generated readings, the same for the same seed; or those of ``source``, once."""
    return generated(seed, prefix) if source is None else iter(from_file(source))


def generated(seed: int, prefix: str) -> Iterator[Reading]:
    source = random.Random(seed)  # noqa: S311  # readings, not secrets: the same seed must give the same ones
    level = {f"boiler-{number}": 60.0 + number for number in range(1, 5)}
    for number in count():
        sensor = source.choice(list(level))
        level[sensor] += source.gauss(0, 0.4)
        name = f"{prefix}{number:06d}"
        yield name, json.dumps({"id": name, "sensor": sensor, "celsius": round(level[sensor], 2)})


def from_file(path: Path) -> list[Reading]:
    """The records of a file of JSON lines; raise Invalid where a line is none, an id is missing or stands twice."""
    try:
        found = parse_lines(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Invalid("--input", f"{path}: {error}", fix='give JSON lines, each {"id": …, …}') from None
    if not found:
        raise Invalid("--input", f"{path} holds no record", fix='give JSON lines, each {"id": …, …}')
    seen: set[str] = set()
    for name, _ in found:
        if name in seen:
            raise Invalid("--input", f"{path}: the id {name[:60]!r} stands twice", fix="give each record its own id")
        seen.add(name)
    return found
