"""The marked block in /etc/hosts: names of routes, only under the suffix that was fixed at join.

    # gridwire begin (kept by the agent; `gridwire join --no-hosts` leaves this file alone)
    10.85.0.1 api.grid
    # gridwire end

A line that gridwire did not write is never lost, whatever became of the markers: a block without an end ends
before the first line that is not of gridwire's form, foreign lines inside a block move behind it, a second
block and stray markers are taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from gridwire.core.actions import Action
from gridwire.core.addressing import Address
from gridwire.core.errors import Invalid
from gridwire.core.names import HostName, host_name, shown
from gridwire.core.observed import Known, Unknown
from gridwire.core.spec import NamesSpec

BEGIN = "# gridwire begin"
END = "# gridwire end"
_BEGIN_LINE = f"{BEGIN} (kept by the agent; `gridwire join --no-hosts` leaves this file alone)"

Entry = tuple[HostName, Address]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsObserved:
    """The block's entries in the order of the file; ``damaged`` says what is wrong with it, or is empty."""

    entries: tuple[Entry, ...]
    damaged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteNames(Action):
    """Make the block hold exactly these entries; none takes the block out."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Parts:
    """A hosts file taken apart. ``at``: where in ``outside`` the block stood, or none where there was none."""

    outside: list[str]
    at: int | None
    entries: list[Entry]
    damaged: str


def check_entry(entry: Entry, suffix: HostName, field: str = "names") -> None:
    """Raise Invalid unless the name is a host name below ``suffix``."""
    name, _ = entry
    host_name(name, field)
    if not name.endswith(f".{suffix}"):
        raise Invalid(field, f"{shown(name)} is not under {suffix}, the suffix that was fixed when this node joined")


def parse_hosts(text: str, suffix: HostName) -> HostsObserved:
    parts = _take_apart(text, suffix)
    return HostsObserved(entries=tuple(parts.entries), damaged=parts.damaged)


def render_hosts(text: str, entries: tuple[Entry, ...], suffix: HostName) -> str:
    """The file with its block holding exactly ``entries``; every other line as it was, byte for byte.

    Raise Invalid for an entry that is not under ``suffix``.
    """
    for entry in entries:
        check_entry(entry, suffix)
    parts = _take_apart(text, suffix)
    if not entries:
        return "".join(parts.outside)
    at = len(parts.outside) if parts.at is None else parts.at
    before, after = parts.outside[:at], parts.outside[at:]
    if before and not before[-1].endswith("\n"):
        before[-1] += "\n"
    block = [_BEGIN_LINE, *(f"{address} {name}" for name, address in entries), END]
    return "".join(before) + "".join(f"{line}\n" for line in block) + "".join(after)


def plan_names(spec: NamesSpec, observed: Known[HostsObserved | None] | Unknown) -> tuple[WriteNames, ...]:
    """At most one action. A file that could not be read is left alone; none observed means that there is no file."""
    if isinstance(observed, Unknown):
        return ()
    seen = observed.value or HostsObserved(entries=())
    if seen.damaged:
        return (WriteNames(entries=spec.entries, reason=f"the block in the hosts file is damaged: {seen.damaged}"),)
    if seen.entries == spec.entries:
        return ()
    wanted, present = set(spec.entries), set(seen.entries)
    added, removed = sorted(n for n, _ in wanted - present), sorted(n for n, _ in present - wanted)
    change = [f"add {_listed(added)}"] if added else []
    change += [f"remove {_listed(removed)}"] if removed else []
    return (WriteNames(entries=spec.entries, reason=f"names: {', '.join(change) or 'put in order'}"),)


def _listed(names: list[HostName]) -> str:
    return " ".join(names) if len(names) <= 5 else f"{' '.join(names[:5])} and {len(names) - 5} more"


def _own(line: str, suffix: HostName) -> Entry | None:
    """The entry of a line in gridwire's own form: one address, one blank, one name under the suffix."""
    address, _, name = line.removesuffix("\n").partition(" ")
    try:
        host_name(name)
        parsed = ip_address(address)
    except ValueError:
        return None
    return (HostName(name), parsed) if name.endswith(f".{suffix}") and str(parsed) == address else None


def _take_apart(text: str, suffix: HostName) -> _Parts:
    outside: list[str] = []
    entries: list[Entry] = []
    moved: list[str] = []  # foreign lines inside the block being read
    found: list[str] = []
    at: int | None = None
    inside = False
    kept = False  # the block being read is the one whose place and entries count
    # Not splitlines(): it cuts at \r, \f and U+2028 as well, where a resolver does not.
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    lines = [line for line in lines if line]
    for number, line in enumerate(lines):
        bare = line.strip()
        if _begins(bare):
            if inside:
                found.append("a begin inside the block")
            elif at is not None:
                found.append("a second block")
            inside = True
            kept = at is None
            at = len(outside) if at is None else at
        elif bare == END:
            if not inside:
                found.append("an end without a begin")
            inside = False
            outside += moved
            moved = []
        elif not inside:
            outside.append(line)
        elif (entry := _own(line, suffix)) is not None:
            if kept:
                entries.append(entry)
        elif any(later.strip() == END for later in _until_begin(lines[number + 1 :])):
            found.append("a line that is not gridwire's")
            moved.append(line)
        else:
            found.append("no end")
            inside = False
            outside.append(line)
    if inside:
        found.append("no end")
    return _Parts(outside + moved, at, entries, ", ".join(dict.fromkeys(found)))


def _until_begin(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if _begins(line.strip()):
            return lines[:number]
    return lines


def _begins(bare: str) -> bool:
    return bare == BEGIN or bare.startswith(f"{BEGIN} (")
