"""Who listens on what, with the process, as the kernel tells it (sock_diag(7)).

Listeners and unconnected sockets alone are asked for, by state, so that it costs the same on a host with a hundred
thousand connections; and only the kernel's answer has the device that a socket is bound to. Whose a socket is stands
nowhere but in /proc/PID/fd of every process: looked through for those sockets alone that a reader sees first.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from gridwire.core.addressing import Address
from gridwire.core.errors import Unavailable
from gridwire.core.listening import Listening, Protocol, unit_of
from gridwire.core.names import Interface
from gridwire.core.netlink import DUMP, answered, request

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20  # linux/netlink.h, linux/sock_diag.h
_LISTEN, _UNCONNECTED = 1 << 10, 1 << 7  # states as bits, include/net/tcp_states.h
_REQUEST = struct.Struct("=BBBBI48x")  # struct inet_diag_req_v2
_MESSAGE = struct.Struct("=BBBB2s2s16s16sI8sIIIII")  # struct inet_diag_msg, linux/inet_diag.h
_ATTRIBUTE = struct.Struct("=HH")
_V6ONLY = 11  # INET_DIAG_SKV6ONLY
_PROTOCOLS: tuple[tuple[Protocol, int, int], ...] = (
    ("tcp", socket.IPPROTO_TCP, _LISTEN),
    ("udp", socket.IPPROTO_UDP, _UNCONNECTED),
)
# Of the kernel's netlink, sctp and raw are modules of their own, which asking would load.
_TABLES: tuple[tuple[Protocol, str, int], ...] = (("raw", "raw", 4), ("raw", "raw6", 6))
_BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a socket open. Names only: command lines hold secrets."""

    pid: int
    process: str
    unit: str


class SocketReader:
    """Remembers whose the sockets are that it has seen, by inode. For one thread, and the network it is in."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[int, Holder | None] = {}

    def read(self) -> tuple[Listening, ...]:
        """TCP and SCTP listeners, bound UDP sockets, raw sockets; sorted by protocol, port, address.

        Raise Unavailable where the kernel does not tell.
        """
        seen = [*_diagnosed(), *_tabled(self._proc), *_sctp(self._proc)]
        inodes = {inode for inode, _ in seen if inode}
        self._known = {inode: holder for inode, holder in self._known.items() if inode in inodes}
        new = inodes - self._known.keys()
        if new:
            self._known |= {**dict.fromkeys(new), **_holders(self._proc, new)}
        found = {_held(one, self._known.get(inode)) for inode, one in seen}
        return tuple(sorted(found, key=_order))

    def forget(self) -> None:
        """Look again whose each is: a socket may be handed on, or its first process have ended."""
        self._known = {}


def listening() -> tuple[Listening, ...]:
    """As SocketReader.read, once."""
    return SocketReader().read()


def holders(protocol: Protocol, port: int, address: Address | None = None) -> tuple[Listening, ...]:
    """Those that would keep ``address`` (none: any) from being bound at ``port``."""
    return tuple(
        one
        for one in listening()
        if one.protocol == protocol
        and one.port == port
        and (address is None or one.address == address or one.address.is_unspecified)
    )


def _order(one: Listening) -> tuple[str, int, int, int, str, int]:
    return one.protocol, one.port, one.address.version, int(one.address), one.device or "", one.pid or 0


def _held(one: Listening, by: Holder | None) -> Listening:
    return one if by is None else replace(one, pid=by.pid, process=by.process, unit=by.unit)


def _diagnosed() -> Iterator[tuple[int, Listening]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asking:
        asking.settimeout(5.0)
        devices: dict[int, Interface | None] = {0: None}
        for family in (socket.AF_INET, socket.AF_INET6):
            for name, protocol, states in _PROTOCOLS:
                asking.send(request(_SOCK_DIAG_BY_FAMILY, DUMP, _REQUEST.pack(family, protocol, 0, 0, states)))
                for message in _answers(asking, name):
                    yield _told(name, message, devices)


def _answers(asking: socket.socket, protocol: Protocol) -> Iterator[bytes]:
    more = True
    while more:
        try:
            data = asking.recv(_BUFFER)
        except OSError as error:
            raise Unavailable(f"the kernel does not tell its {protocol} sockets ({error})") from None
        try:
            told, more = answered(data)
        except OSError as error:
            raise Unavailable(
                f"the kernel does not tell its {protocol} sockets ({os.strerror(error.errno or 0)})",
                fix=f"modprobe {protocol}_diag",
            ) from None
        yield from told


def _told(name: Protocol, message: bytes, devices: dict[int, Interface | None]) -> tuple[int, Listening]:
    family, _, _, _, port, _, source, _, index, _, _, _, _, uid, inode = _MESSAGE.unpack_from(message)
    address = ip_address(source[:4] if family == socket.AF_INET else source)
    if index not in devices:
        devices[index] = _device(index)
    return int(inode), Listening(
        protocol=name,
        address=_plain(address),
        port=int.from_bytes(port, "big"),
        pid=None,
        process="",
        device=devices[index],
        both=family == socket.AF_INET6 and address.is_unspecified and not _v6_only(message),
        uid=int(uid),
    )


def _v6_only(message: bytes) -> bool:
    at = _MESSAGE.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _V6ONLY:
            return bool(message[at + _ATTRIBUTE.size])
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return False


def _plain(address: Address) -> Address:
    """An IPv4 address that a socket of IPv6 is bound to is that IPv4 address."""
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


def _device(index: int) -> Interface | None:
    try:
        return Interface(socket.if_indextoname(index))
    except OSError:
        return Interface(f"if{index}")  # it is gone: the socket hears nothing


def _tabled(proc: Path) -> Iterator[tuple[int, Listening]]:
    """/proc/net/raw and raw6, as proc(5) has them; the words of an address are in the host's byte order."""
    for name, file, version in _TABLES:
        for fields in _lines(proc / "thread-self/net" / file):
            raw, _, port = fields[1].partition(":")
            words = struct.pack(f"={len(raw) // 8}I", *(int(raw[at : at + 8], 16) for at in range(0, len(raw), 8)))
            one = Listening(
                protocol=name,
                address=ip_address(words),
                port=int(port, 16),
                pid=None,
                process="",
                uid=int(fields[7]),
            )
            if version == one.address.version:
                yield int(fields[9]), one


def _sctp(proc: Path) -> Iterator[tuple[int, Listening]]:
    """/proc/net/sctp/eps, where SCTP is loaded: ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS."""
    for fields in _lines(proc / "thread-self/net/sctp/eps"):
        for address in fields[8:]:
            with suppress(ValueError):
                yield (
                    int(fields[7]),
                    Listening(
                        protocol="sctp",
                        address=ip_address(address.lstrip("*")),
                        port=int(fields[5]),
                        pid=None,
                        process="",
                        uid=int(fields[6]),
                    ),
                )


def _lines(path: Path) -> Iterator[list[str]]:
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return
    yield from (fields for fields in map(str.split, lines[1:]) if len(fields) >= 9)


def _holders(proc: Path, inodes: Collection[int]) -> dict[int, Holder]:
    """The first process of each, but for systemd, which hands sockets on, where another has it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, Holder] = {}
    pids = (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())
    for pid in sorted(pids, key=lambda pid: (pid == 1, pid)):
        mine: Holder | None = None
        with suppress(OSError):
            for descriptor in os.scandir(proc / str(pid) / "fd"):
                with suppress(OSError):
                    inode = wanted.get(os.readlink(descriptor.path))  # noqa: PTH115  # a Path for each costs twice the time
                    if inode is not None and inode not in found:
                        mine = mine or _holder(proc, pid)
                        found[inode] = mine
    return found


def _holder(proc: Path, pid: int) -> Holder:
    return Holder(pid, _text(proc / str(pid) / "comm").strip("\n"), unit_of(_text(proc / str(pid) / "cgroup")))


def _text(path: Path) -> str:
    try:
        said = path.read_text(errors="replace")
    except OSError:
        return ""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in said)
