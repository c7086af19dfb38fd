"""What a host was before ``gridwire join`` touched it, and putting that back where the join came to nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gridwire.adapters.wireguard import read_blackholes, remove_blackhole
from gridwire.agent.guard import GuardSection
from gridwire.core.addressing import Prefix
from gridwire.core.errors import GridwireError
from gridwire.core.guard import GuardSpec, plan_guard_removal
from gridwire.core.observed import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """``aside``: where the old state went; ``guarded``: whether anything of a guard was there, and ``guard`` the one
    that stood."""

    state: Path
    aside: Path | None
    had_key: bool
    guarded: bool
    guard: GuardSpec | None
    blackholes: tuple[Prefix, ...]

    def put_back(self, prefix: Prefix, *, key_taken: bool, say: Callable[[str], None]) -> None:
        """After a join that failed and whose tunnel is down; what cannot be put back is said.

        ``key_taken``: a gateway may know the key of this try. It is kept then: another one, offered later for the
        same invitation, would look like a thief's.
        """
        for step in (self._put_back_guard, lambda: self._put_back_route(prefix)):
            try:
                step()
            except GridwireError as error:
                say(f"left as the join made it: {error}")
        try:
            if not key_taken:
                self._put_back_state()
            elif self.aside is not None:
                say(f"the gateway may have taken the new key; what this host was before is kept in {self.aside}")
        except OSError as error:
            say(f"{self.state} is left as the join made it: {error}")

    def _put_back_guard(self) -> None:
        section = GuardSection()
        if not self.guarded:
            section.remove()
        elif self.guard is not None:
            section.stand(self.guard)

    def _put_back_route(self, prefix: Prefix) -> None:
        if prefix not in self.blackholes:
            remove_blackhole(prefix)

    def _put_back_state(self) -> None:
        if self.aside is not None:
            shutil.rmtree(self.state)
            self.aside.rename(self.state)
        elif not self.had_key:
            (self.state / "node.key").unlink(missing_ok=True)


def remember(state: Path, now: datetime, *, anew: bool) -> Before:
    """Read what there is; with ``anew`` set the state aside. Raise GridwireError where it cannot be read."""
    seen = GuardSection().observe()
    blackholes = read_blackholes()
    return Before(
        state=state,
        aside=set_aside(state, now) if anew else None,
        had_key=(state / "node.key").exists(),
        guarded=bool(plan_guard_removal(seen)),  # not empty either where the guard could not be read
        guard=seen.value.stands if isinstance(seen, Known) and seen.value is not None else None,
        blackholes=blackholes,
    )


def set_aside(state: Path, now: datetime) -> Path | None:
    """What this host was before keeps its key, under another name; none where it was nothing."""
    if not any(state.iterdir()):
        return None
    aside = state.with_name(f"{state.name}.{now:%Y%m%dT%H%M%S}")
    state.rename(aside)
    state.mkdir(mode=0o700)
    os.chmod(state, 0o700)  # noqa: PTH101  # whatever the umask says
    return aside
