"""A node is revoked while it streams: not a byte reaches it after the answer. Devices follow, for the time it takes."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from gridwire.adapters.control_api import calls
from gridwire.adapters.wireguard.keys import new_private_key, public_of
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Role
from gridwire.core.names import node_name
from gridwire.lab.changes import Changes
from gridwire.lab.grid import GATEWAY, GUEST, ROUTE_HOST, Grid
from gridwire.lab.host import Host
from gridwire.lab.load import Plan
from gridwire.lab.load_run import RunningLoad
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until
from gridwire.protocol.api import Device

GOAL_MS = 1000  # the median, on two cores that six hosts and whatever else there is share; 200 on a quiet machine
DEVICES = 6
_LISTEN_SECONDS = 1.5


def received_bytes(host: Host, interface: str = "gw0") -> int:
    """Bytes that came through an interface of a host, as /proc/net/dev of its network has it.

    Raise Unavailable where there is no such interface: nothing can be said then of what reached the host.
    """
    for line in Path(f"/proc/{host.pid}/net/dev").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == interface:
            return int(rest.split()[0])
    raise Unavailable(f"{host.name} has no {interface}, so what reaches it cannot be counted")


def prove(grid: Grid) -> Outcome:
    guest = grid.host(GUEST)
    load: RunningLoad | None = None
    with Changes(grid) as changes:
        try:
            load = until(lambda: _streaming(grid, guest), "the guest to use the route", timeout=15, every=0.2)
            start = received_bytes(guest)
            until(lambda: received_bytes(guest) > start + 2000, "bytes to flow to the guest", timeout=5)
            times = [_revoke(changes, GUEST)]
            at_answer = received_bytes(guest)
            time.sleep(_LISTEN_SECONDS)
            after = received_bytes(guest) - at_answer
        finally:
            if load is not None:
                load.abandon()
        times += [_come_and_go(changes, f"device-{number}") for number in range(1, DEVICES + 1)]
    median = statistics.median(times)
    problems = verdict({"bytes after the answer": after != 0, "too slow": median > GOAL_MS})
    return Outcome(
        ok=not problems,
        figure=after,
        line=f"{after} bytes reached the node after the answer; {len(times)} revocations, the median "
        f"{median:.0f} ms, the slowest {max(times):.0f} ms",
        details={
            "problems": problems,
            "milliseconds_median": round(median, 1),
            "milliseconds_streaming": round(times[0], 1),
            "milliseconds_slowest": round(max(times), 1),
            "revocations": len(times),
            "bytes_before": at_answer - start,
        },
    )


def _revoke(changes: Changes, name: str) -> float:
    """Milliseconds until control answered that the node is cut."""
    asked = time.monotonic()
    changes.send(calls.revoke(name))
    return (time.monotonic() - asked) * 1000


def _come_and_go(changes: Changes, name: str) -> float:
    key = public_of(new_private_key())
    changes.send(calls.add_device(Device(name=node_name(name), role=Role.CLIENT, public_key=key)))
    changes.settled()
    took = _revoke(changes, name)
    changes.settled()
    return took


def _streaming(grid: Grid, guest: Host) -> RunningLoad | None:
    plan = Plan(
        address=grid.mesh[GATEWAY], port=80, host=ROUTE_HOST, rate=60, seconds=60, websockets=2, prefix="guest-"
    )
    load = RunningLoad(guest, plan)
    before = received_bytes(guest)
    time.sleep(0.3)
    if received_bytes(guest) - before > 1000:
        return load
    load.abandon()
    return None


CLAIM = Claim(
    id="revoke",
    title="A revoked node gets nothing more",
    unit="bytes after the answer",
    goal=f"0, ≤ {GOAL_MS} ms (median)",
    prove=prove,
)
