"""The kernel's connection table, of the network namespace that the calling thread is in."""

from __future__ import annotations

from pathlib import Path

from gridwire.core.doctor.machine import Conntrack
from gridwire.core.observed import Known, Unknown

_SETTINGS = "sys/net/netfilter/nf_conntrack_{}"
_STATISTICS = "thread-self/net/stat/nf_conntrack"


def read_conntrack(proc: Path = Path("/proc")) -> Known[Conntrack | None] | Unknown:
    """Known(None) where this kernel tracks nothing."""
    if not (proc / _SETTINGS.format("max")).exists():
        return Known(None)
    try:
        entries, most, udp, stream = (
            int((proc / _SETTINGS.format(name)).read_text("ascii"))
            for name in ("count", "max", "udp_timeout", "udp_timeout_stream")
        )
        dropped = dropped_of((proc / _STATISTICS).read_text("ascii"))
    except (OSError, ValueError) as error:
        return Unknown(f"the connection table cannot be read ({error})")
    return Known(Conntrack(entries=entries, most=most, dropped=dropped, udp_timeout=udp, udp_stream_timeout=stream))


def dropped_of(statistics: str) -> int:
    """nf_conntrack's statistics: a line of names, then one of hexadecimal counters for each CPU. Raise ValueError."""
    head, *lines = statistics.splitlines()
    column = head.split().index("drop")
    return sum(int(line.split()[column], 16) for line in lines)
