"""Whether a spec cut the node off: control answered before it, and has not since.

Any HTTP answer counts, a gateway's 502 too: the question is whether the mesh still carries. A node that asks over
its own Unix socket cannot be cut off, and its timer is never armed.
"""

from __future__ import annotations

from gridwire.agent.state_dir import Version
from gridwire.core.errors import NotFinished

ROLL_BACK_SECONDS = 60.0  # several times a restart of control


class DeadMan:
    """Times in monotonic seconds; ``seconds`` of silence since the first change for a spec make it overdue.

    Armed before the first change, so that the silence counts however much of the spec could be applied. Only an
    answer to what was asked after all of it stood shows that it is good; after a part of it, that the part is.
    """

    def __init__(self, seconds: float = ROLL_BACK_SECONDS) -> None:
        self._seconds = seconds
        self._heard: float | None = None
        self._silent: float | None = None  # since when; none: not armed
        self._changed: float | None = None  # when something was last changed for this spec; none: not yet
        self._whole = False
        self._partly = False  # what stands of it is good, and silence says nothing until more of it does
        self._good = False

    @property
    def armed(self) -> bool:
        return self._silent is not None or self._partly

    def hear(self, now: float, asked: float) -> bool:
        """Control answered what was ``asked`` then; true where that shows that the spec on trial is good.

        An answer to a question from before the change may have been on its way already.
        """
        self._heard = now
        if self._silent is None or self._changed is None or asked < self._changed:
            return False
        if not self._whole:
            self._silent, self._partly = None, True
            return False
        self.disarm()
        self._good = True
        return True

    def arm(self, now: float) -> None:
        """A live spec is about to be applied, or applied further. Not where control was out of reach before it, so
        that its silence says nothing, nor where the spec was shown to be good."""
        in_reach = self._heard is not None and now - self._heard <= self._seconds
        if not self.armed and in_reach and not self._good:
            self._silent = now

    def applied(self, now: float, *, changed: bool, whole: bool) -> None:
        """An attempt has ended. ``whole``: all of the spec stands."""
        if changed or whole != self._whole or self._changed is None:
            self._changed = now
            if self._partly:
                self._silent, self._partly = now, False
        self._whole = whole

    def disarm(self) -> None:
        """Also before another spec."""
        self._silent = self._changed = None
        self._whole = self._partly = self._good = False

    def overdue(self, now: float) -> bool:
        return self._silent is not None and now - self._silent >= self._seconds

    def remaining(self, now: float) -> float | None:
        return None if self._silent is None else max(0.0, self._silent + self._seconds - now)


def cut_off(version: Version, seconds: float) -> NotFinished:
    """Why a spec is rolled back that was overdue."""
    return NotFinished(
        f"control was not heard for {seconds:g} s after {version[0]}.{version[1]} was applied",
        fix="see whether that revision still lets this node reach a gateway",
        code="cut-off",
    )
