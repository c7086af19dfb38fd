"""A node is revoked while it streams: not a byte reaches it after the answer."""

from __future__ import annotations

import time
from pathlib import Path

from gridwire.adapters.control_api import calls
from gridwire.lab.grid import GUEST, Grid
from gridwire.lab.host import Host
from gridwire.lab.load import Plan
from gridwire.lab.load_run import RunningLoad
from gridwire.lab.proofs.proof import Claim, Outcome, verdict
from gridwire.lab.waiting import until

GOAL_MS = 1000
_LISTEN_SECONDS = 1.5


def received_bytes(host: Host, interface: str = "gw0") -> int:
    """Bytes that came through an interface of a host, as /proc/net/dev of its network has it."""
    for line in Path(f"/proc/{host.pid}/net/dev").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == interface:
            return int(rest.split()[0])
    return 0


def prove(grid: Grid) -> Outcome:
    guest = grid.host(GUEST)
    if GUEST not in grid.joined_ms:
        grid.join(GUEST, grid.invite(GUEST, "client"))
    load: RunningLoad | None = None
    try:
        load = until(lambda: _streaming(grid, guest), "the guest to use the route", timeout=15, every=0.2)
        start = received_bytes(guest)
        until(lambda: received_bytes(guest) > start + 2000, "bytes to flow to the guest", timeout=5)
        asked = time.monotonic()
        with grid.api() as api:
            api.send(calls.revoke(GUEST))
        at_answer = received_bytes(guest)
        took = (time.monotonic() - asked) * 1000
        time.sleep(_LISTEN_SECONDS)
        after = received_bytes(guest) - at_answer
    finally:
        if load is not None:
            load.abandon()
    problems = verdict({"bytes after the answer": after > 0, "too slow": took > GOAL_MS})
    return Outcome(
        ok=not problems,
        figure=after,
        line=f"{after} bytes reached the node after the answer, which took {took:.0f} ms",
        details={"problems": problems, "milliseconds": round(took, 1), "bytes_before": at_answer - start},
    )


def _streaming(grid: Grid, guest: Host) -> RunningLoad | None:
    plan = Plan(
        address=grid.mesh["gateway"], port=80, host="api.grid", rate=60, seconds=30, websockets=2, prefix="guest-"
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
    goal=f"0, ≤ {GOAL_MS} ms",
    prove=prove,
)
