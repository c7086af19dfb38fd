"""Traffic in figures that can be added up: over time, over endpoints, over gateways.

How long a request took is kept in buckets: whole milliseconds up to 7, then eight to each doubling, the last one open
(log-linear, as in HdrHistogram). gridwire/lua/gridwire/traffic.lua counts into the same. Two histograms are added
bucket by bucket, so a percentile over an hour is as good as one over a second: a bucket's middle, which is at most
1/16 (6.25 %) off, or half a millisecond below 8 ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Final

from gridwire.core.errors import Invalid

WIDTH: Final = 8  # buckets to a doubling
LAST: Final = 127  # the bucket of 4 minutes and more
ERROR: Final = 1 / 16
NOBODY: Final = "-"  # in a name's place: no route matched, no endpoint was there


class Kind(StrEnum):
    """What traffic is counted of. An endpoint's name is ``service/node``."""

    GATEWAY = "gateway"
    ROUTE = "route"
    SERVICE = "service"
    ENDPOINT = "endpoint"
    NODE = "node"


class Rank(StrEnum):
    ERRORS = "errors"
    REQUESTS = "requests"
    P99 = "p99"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Cell:
    """What is counted apart: one gateway's requests for one route that one endpoint answered.

    Whole gateways and nodes are cells too, with nothing in the other places: a day of one is not to be added up from
    those of thousands of routes.
    """

    gateway: str = ""
    route: str = ""
    service: str = ""
    node: str = ""


def cells_of(cells: Iterable[Cell], kind: Kind, name: str) -> list[Cell]:
    """Those that add up to one noun. No name: all gateways together, else nothing."""
    if kind is Kind.GATEWAY:
        return [cell for cell in cells if cell.gateway and not cell.route and name in ("", cell.gateway)]
    if kind is Kind.NODE:
        return [cell for cell in cells if cell.node == name and not cell.gateway]
    return [cell for cell in cells if cell.route and name_in(cell, kind) == name]


def name_in(cell: Cell, kind: Kind) -> str | None:
    """By what name of that kind the cell's traffic goes; none where it is not a part of any."""
    if kind is Kind.GATEWAY:
        return cell.gateway if not cell.route and cell.gateway else None
    if kind is Kind.NODE:
        return cell.node if not cell.gateway else None
    if not cell.route:
        return None
    if kind is Kind.ROUTE:
        return cell.route
    if kind is Kind.SERVICE:
        return cell.service
    return f"{cell.service}/{cell.node}"


def bucket_of(milliseconds: int) -> int:
    shift = max(0, milliseconds.bit_length() - 4)
    return min(shift * WIDTH + (milliseconds >> shift), LAST)


def middle(bucket: int) -> float:
    """Milliseconds that stand for all of a bucket."""
    if bucket < 2 * WIDTH:
        return float(bucket)
    shift, low = divmod(bucket, WIDTH)
    shift -= 1
    return float(((low + WIDTH) << shift) + ((1 << shift) - 1) / 2)


@dataclass(slots=True)
class Tally:
    """Counts of a time. ``own``: those of the errors (5xx) that gridwire answered itself; ``histogram``: bucket →
    requests, those that became a WebSocket left out."""

    requests: int = 0
    errors: int = 0
    own: int = 0
    received: int = 0
    sent: int = 0
    histogram: dict[int, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.own += other.own
        self.received += other.received
        self.sent += other.sent
        mine = self.histogram
        for bucket, number in other.histogram.items():
            mine[bucket] = mine.get(bucket, 0) + number

    def copy(self) -> Tally:
        return Tally(self.requests, self.errors, self.own, self.received, self.sent, dict(self.histogram))

    def percentile(self, share: float) -> float | None:
        """Milliseconds within which that share of requests was answered; none of none."""
        total = sum(self.histogram.values())
        if total == 0:
            return None
        wanted = ceil(share * total)
        for bucket in sorted(self.histogram):
            wanted -= self.histogram[bucket]
            if wanted <= 0:
                return middle(bucket)
        return None

    def pack(self) -> bytes:
        """Numbers of seven bits a byte, the first bit of each says that more follow; 12 to 60 bytes for most."""
        out = bytearray()
        for number in (self.requests, self.errors, self.own, self.received, self.sent):
            _put(out, number)
        before = 0
        for bucket in sorted(self.histogram):
            _put(out, bucket - before)
            _put(out, self.histogram[bucket])
            before = bucket
        return bytes(out)


def unpack(packed: bytes) -> Tally:
    """Raise Invalid for what ``pack`` never made."""
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append(number)
            number, shift = 0, 0
    if shift or len(numbers) < 5 or len(numbers) % 2 == 0:
        raise Invalid("tally", "this is no tally")
    requests, errors, own, received, sent = numbers[:5]
    tally = Tally(requests, errors, own, received, sent)
    bucket = 0
    for at in range(5, len(numbers), 2):
        bucket += numbers[at]
        tally.histogram[bucket] = numbers[at + 1]
    return tally


def _put(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
