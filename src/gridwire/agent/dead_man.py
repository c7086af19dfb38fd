"""Whether a spec cut the node off: control answered before it, and has not since.

Any HTTP answer counts, a gateway's 502 too: the question is whether the mesh still carries. A node that asks over
its own Unix socket cannot be cut off, and its timer is never armed.
"""

from __future__ import annotations

ROLL_BACK_SECONDS = 60.0  # several times a restart of control


class DeadMan:
    """Times in monotonic seconds; ``seconds`` of silence after arming make it overdue."""

    def __init__(self, seconds: float = ROLL_BACK_SECONDS) -> None:
        self._seconds = seconds
        self._heard: float | None = None
        self._armed: float | None = None

    @property
    def armed(self) -> bool:
        return self._armed is not None

    def hear(self, now: float, asked: float) -> bool:
        """Control answered what was ``asked`` then; true where that shows that the spec on trial is good.

        An answer to a question from before the change may have been on its way already.
        """
        self._heard = now
        if self._armed is None or asked < self._armed:
            return False
        self._armed = None
        return True

    def arm(self, now: float) -> bool:
        """A live spec was applied; false where control was not in reach before, so its silence says nothing."""
        if self._heard is None or now - self._heard > self._seconds:
            return False
        self._armed = now
        return True

    def disarm(self) -> None:
        self._armed = None

    def overdue(self, now: float) -> bool:
        return self._armed is not None and now - self._armed >= self._seconds

    def remaining(self, now: float) -> float | None:
        return None if self._armed is None else max(0.0, self._armed + self._seconds - now)
