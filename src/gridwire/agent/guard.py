"""The guard on this host: observe, plan, apply; and the same by itself, before there is a network.

Fail closed: whatever could not be loaded, read back or read at all makes ``guard_stands`` false, and nginx is not
started without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gridwire.adapters.files import Reread
from gridwire.adapters.netfilter import (
    Changes,
    Listing,
    Nft,
    RoutingRules,
    difference,
    lacking,
    with_members,
)
from gridwire.adapters.sysctl import Sysctls
from gridwire.agent.guard_memory import GuardMemory, digest, recall, remember
from gridwire.core import paths
from gridwire.core.actions import Action
from gridwire.core.errors import GridwireError, Unavailable
from gridwire.core.guard import (
    TABLE,
    WANTED_SYSCTLS,
    AwaitGuard,
    DeleteTable,
    GuardObserved,
    GuardSpec,
    LoadTable,
    ReplaceMembers,
    RestoreSysctl,
    SetSysctl,
    SysctlSeen,
    missing_sysctls,
    plan_guard,
    plan_guard_removal,
)
from gridwire.core.observed import Known, Unknown
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.routing_rules import AddRule, DeleteRule
from gridwire.core.spec import NodeSpec
from gridwire.render.nftables import members, render_members, render_removal, render_table

MEMORY = f"{paths.RUN}/guard.json"
_SETTLE_SECONDS = 0.1  # a container runtime changes dozens of rules at a time: look once, not at each


class GuardSection:
    """The guard of the network namespace that the calling thread is in. ``memory``: a file under
    /run, by default MEMORY."""

    name = "guard"

    def __init__(
        self,
        *,
        nft: Nft | None = None,
        rules: RoutingRules | None = None,
        sysctls: Sysctls | None = None,
        memory: Path | None = None,
    ) -> None:
        self._nft = nft or Nft()
        self._rules = rules or RoutingRules()
        self._sysctls = sysctls or Sysctls()
        self._memory = memory or Path(MEMORY)
        self._recalled = Reread(self._memory, lambda: recall(self._memory))
        self._compared: tuple[GuardMemory, Listing | None, str] | None = None

    def observe(self) -> Known[GuardObserved | None] | Unknown:
        """Read tables, rules and settings of the kernel; change nothing. Unknown where one cannot be read."""
        try:
            memory = self._recalled()
            listing = self._nft.read()
            altered = self._altered(memory, listing)
            values = {key: self._sysctls.read(key) for key, _ in WANTED_SYSCTLS}
            seen = GuardObserved(
                stands=memory.spec if not altered else None,
                present=listing is not None,
                altered=altered,
                families=self._rules.families(),
                rules=self._rules.read(),
                sysctls=tuple(
                    SysctlSeen(
                        key=key, value=value, before=memory.sysctls.get(key), fixed=not self._sysctls.writable(key)
                    )
                    for key, value in values.items()
                    if value is not None
                ),
            )
        except GridwireError as error:
            return Unknown(str(error))
        return Known(seen)

    def _altered(self, memory: GuardMemory, listing: Listing | None) -> str:
        """Compared again only where one of the two was read again: rendering and comparing take milliseconds."""
        known = self._compared
        if known is not None and known[0] is memory and known[1] is listing:
            return known[2]
        altered = _altered(memory, listing)
        self._compared = (memory, listing, altered)
        return altered

    def plan(
        self, spec: NodeSpec, observed: Known[GuardObserved | None] | Unknown, now: datetime | None = None
    ) -> tuple[Action, ...]:
        return plan_guard(spec.guard, observed)

    def apply(self, action: Action) -> None:
        """Do one action of plan_guard or plan_guard_removal, and read it back; raise GridwireError."""
        match action:
            case LoadTable(spec=spec):
                self._load(spec)
            case ReplaceMembers(spec=spec, roles=roles):
                self._replace_members(spec, roles)
            case DeleteTable():
                self._nft.load(render_removal())
                remember(self._memory, GuardMemory(sysctls=recall(self._memory).sysctls))
            case AddRule(rule=rule):
                self._rules.add(rule)
            case DeleteRule(rule=rule):
                self._rules.delete(rule)
            case SetSysctl(key=key, value=value, before=before):
                memory = recall(self._memory)
                if key not in memory.sysctls:
                    remember(self._memory, replace(memory, sysctls={**memory.sysctls, key: before}))
                self._sysctls.write(key, value)
            case RestoreSysctl(key=key, value=value):
                self._sysctls.write(key, value)
                memory = recall(self._memory)
                kept = {other: was for other, was in memory.sysctls.items() if other != key}
                remember(self._memory, replace(memory, sysctls=kept))
            case AwaitGuard(reason=reason):
                raise Unavailable(reason, fix="nothing is changed until it can be read")
            case _:
                raise TypeError(f"{type(action).__name__} is no action of the guard's")

    def counters(self) -> dict[str, tuple[int, int]]:
        """core.guard.COUNTERS → (packets, bytes) since the guard was loaded; empty without a table."""
        return self._nft.counters()

    def findings(self) -> tuple[Finding, ...]:
        """Settings that others made and that only the guard stands against, and those that only the host can make."""
        return (*self._open_to_lan(), *self._left_to_the_host())

    def _left_to_the_host(self) -> tuple[Finding, ...]:
        observed = self.observe()
        if isinstance(observed, Unknown) or observed.value is None:
            return ()
        lines = [f"{key.replace('/', '.')}={least}" for key, least in missing_sysctls(observed.value)]
        if not lines:
            return ()
        return (
            Finding(
                id="sysctl-missing",
                severity=Severity.WARNING,
                where="guard",
                what=f"kernel settings that may not be set from this container are missing: {', '.join(lines)}",
                fix="on the host: packaging/90-gridwire.conf into /etc/sysctl.d, and `sysctl --system`",
            ),
        )

    def _open_to_lan(self) -> tuple[Finding, ...]:
        open_to_lan = self._sysctls.interfaces_with("route_localnet", 1)
        if not open_to_lan:
            return ()
        return (
            Finding(
                id="route-localnet",
                severity=Severity.WARNING,
                where="guard",
                what=f"route_localnet is on for {', '.join(open_to_lan)}: without the guard, 127.0.0.1 is open there",
                fix="set net.ipv4.conf.NAME.route_localnet to 0 unless whoever set it needs it",
            ),
        )

    def load(self, spec: NodeSpec) -> tuple[Action, ...]:
        """Make the guard that of ``spec`` and see that it is; return what was done. Raise GridwireError."""
        return self.stand(spec.guard)

    def stand(self, spec: GuardSpec) -> tuple[Action, ...]:
        done = self._carry_out(plan_guard(spec, self.observe()))
        if left := plan_guard(spec, self.observe()):
            raise GridwireError(
                f"the guard was loaded and does not stand ({left[0].reason})",
                fix="see whether another program changes packet or routing rules, then `gridwire guard load` again",
                code="guard",
            )
        return done

    def remove(self) -> tuple[Action, ...]:
        """Take the guard away and put the host back as it was; return what was done. Raise GridwireError."""
        return self._carry_out(plan_guard_removal(self.observe()))

    def watch(self, wake: Callable[[], None]) -> GuardWatch:
        """``wake`` is called, in a thread of its own, when packet or routing rules of this host changed."""
        return GuardWatch(wake)

    def _carry_out(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        for action in actions:
            self.apply(action)
        return actions

    def _load(self, spec: GuardSpec) -> None:
        self._nft.load(render_table(spec, self._nft.counters()))
        listing = self._nft.read()
        plain = render_table(spec)
        problem = f"table inet {TABLE} is not there" if listing is None else lacking(plain, listing)
        if listing is None or problem:
            raise GridwireError(f"nft took the guard's table, and reads back another ({problem})", code="guard")
        memory = recall(self._memory)
        remember(self._memory, replace(memory, spec=spec, rendered=digest(plain), listing=listing))

    def _replace_members(self, spec: GuardSpec, roles: tuple[str, ...]) -> None:
        """Where the table turns out to be another than was observed, all of it is loaded anew."""
        memory = recall(self._memory)
        with suppress(GridwireError):
            self._nft.load(render_members(spec, roles))
            listing = self._nft.read()
            if listing is not None and not difference(with_members(memory.listing, members(spec, roles)), listing):
                rendered = digest(render_table(spec))
                remember(self._memory, replace(memory, spec=spec, rendered=rendered, listing=listing))
                return
        self._load(spec)


class GuardWatch:
    """Calls ``wake`` from a thread whenever packet or routing rules changed, gridwire's own changes included."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._ending = threading.Event()
        self._changes = Changes()
        self._thread = threading.Thread(target=self._run, name="guard-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._changes.wake()
        self._thread.join()
        self._changes.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            if self._changes.wait(None):
                self._wake()
                self._ending.wait(_SETTLE_SECONDS)


def load_guard(spec: NodeSpec) -> tuple[Action, ...]:
    """`gridwire guard load`: the guard of the last saved spec, before there is a network. Raise GridwireError."""
    return GuardSection().load(spec)


def remove_guard() -> tuple[Action, ...]:
    """`gridwire guard remove`: raise GridwireError where something could not be put back."""
    return GuardSection().remove()


def guard_stands(spec: NodeSpec) -> bool:
    """Whether both layers of ``spec`` are in the kernel, unaltered; False where that cannot be read."""
    return not plan_guard(spec.guard, GuardSection().observe())


def _altered(memory: GuardMemory, listing: Listing | None) -> str:
    """Why the kernel's table is not the one that was loaded; empty where it is."""
    if listing is None:
        return "it was flushed or deleted" if memory.spec is not None else "it is not loaded"
    if memory.spec is None:
        return "it is there, and nothing is known of how it was loaded"
    if digest(render_table(memory.spec)) != memory.rendered:
        return "it was loaded by another version of gridwire"
    return difference(memory.listing, listing)
