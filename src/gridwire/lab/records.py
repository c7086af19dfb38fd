"""Records as JSON lines, and how often each of them arrived on an edge.

Standard library alone: run as a script on a lab host, it prints ``{"id": arrivals, …}`` of a database in 20 ms.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

REQUEST_HEADER = "X-Request-Of-Load"  # the load client's id of a request, given back in the answer
DATABASE = "/var/lib/ingest/records.db"

Record = tuple[str, str]  # id, the line as it came


def parse_lines(body: bytes) -> list[Record]:
    """JSON lines → records; raise ValueError that names the line."""
    records = []
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(value, dict) or not isinstance(value.get("id"), str | int):
            raise ValueError(f'line {number}: a record is an object with an "id"')
        records.append((str(value["id"]), line.decode()))
    return records


def arrivals(path: Path) -> dict[str, int]:
    """How often each record arrived, by id; none where there is no database yet."""
    if not path.exists():
        return {}
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return dict(database.execute("SELECT id, arrivals FROM records"))
    finally:
        database.close()


if __name__ == "__main__":
    json.dump(arrivals(Path(sys.argv[1])), sys.stdout)
