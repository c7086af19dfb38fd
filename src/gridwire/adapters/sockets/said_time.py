"""What time it is for another host's HTTP server: the Date of whatever it answers (RFC 9110 §6.6.1)."""

from __future__ import annotations

import http.client
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gridwire.core.addressing import Address


def said_time(address: Address, port: int, *, patience: float = 3.0) -> datetime | None:
    """To the second; none where nothing answers. ``patience`` in seconds."""
    with closing(http.client.HTTPConnection(str(address), port, timeout=patience)) as connection:
        try:
            connection.request("HEAD", "/")
            said = connection.getresponse().getheader("Date")
            return parsedate_to_datetime(said).astimezone(UTC) if said else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
