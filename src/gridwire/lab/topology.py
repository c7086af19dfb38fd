"""Links between lab hosts: a router with a switch per link, and who stands on which.

Addresses are of the prefixes reserved for documentation (RFC 5737, RFC 3849), so no figure of the lab can be
mistaken for a real host. A veth's ends are made inside the namespaces; the real host sees no interface.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from gridwire.core.errors import Unavailable
from gridwire.lab.host import CommandFailed, HolderProcess, Host, Lifeline, environment, start_holder

ROUTER = "internet"
_BASE_SYSCTLS: dict[str, str | int] = {
    "net.ipv6.conf.all.disable_ipv6": 0,
    "net.ipv6.conf.default.disable_ipv6": 0,
    "net.ipv6.conf.all.accept_dad": 0,  # an address is of use at once; the lab gives none twice
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.accept_ra": 0,
}
_ROUTER_SYSCTLS: dict[str, str | int] = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A broadcast domain. The router has the first address of each prefix."""

    name: str
    prefix: IPv4Network
    prefix6: IPv6Network | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host on a link: ``number`` is the host part of its addresses; ``sysctls`` beside the lab's own."""

    host: str
    link: str
    number: int
    sysctls: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(slots=True)
class Lab:
    """Running hosts and what keeps them alive. Close it, or end the process: both leave nothing."""

    lifeline: Lifeline
    links: tuple[Link, ...]
    places: tuple[Place, ...]
    holders: dict[str, HolderProcess] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        return self.holders[name].host

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(holder.host for holder in self.holders.values())

    def link_of(self, name: str) -> Link | None:
        place = next((place for place in self.places if place.host == name), None)
        return None if place is None else next(link for link in self.links if link.name == place.link)

    def address(self, name: str, *, version: int = 4) -> str:
        """A host's own address on its link."""
        place = next(place for place in self.places if place.host == name)
        link = next(link for link in self.links if link.name == place.link)
        prefix = link.prefix if version == 4 else link.prefix6
        if prefix is None:
            raise Unavailable(f"link {link.name} has no IPv{version}")
        return str(prefix[place.number])

    def close(self, timeout: float = 10) -> None:
        """End every host and wait (seconds, each) until the kernel has taken it away."""
        self.lifeline.close()
        for holder in self.holders.values():
            holder.wait(timeout)
        self.holders.clear()

    def keep(self) -> int:
        """Let the hosts outlive this process; return the pid of what must be killed to end them."""
        keeper = subprocess.Popen(
            ["sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self.lifeline.write_end,),
            start_new_session=True,
            cwd="/",
        )
        self.lifeline.close()
        return keeper.pid


def build(links: Sequence[Link], places: Sequence[Place]) -> Lab:
    """Hosts, router, switches and veth pairs, up and addressed; raise Unavailable, leaving nothing."""
    if os.geteuid() != 0:
        raise Unavailable("the lab needs root", fix="run it with sudo; `gridwire demo` needs none on most hosts")
    lab = Lab(lifeline=Lifeline(), links=tuple(links), places=tuple(places))
    try:
        lab.holders[ROUTER] = start_holder(ROUTER, lab.lifeline, sysctls={**_BASE_SYSCTLS, **_ROUTER_SYSCTLS})
        for place in places:
            lab.holders[place.host] = start_holder(
                place.host, lab.lifeline, sysctls={**_BASE_SYSCTLS, **dict(place.sysctls)}
            )
        _ip(lab.host(ROUTER), _router_lines(lab))
        for place in places:
            _ip(lab.host(place.host), _host_lines(lab, place))
    except BaseException:
        lab.close()
        raise
    return lab


def _router_lines(lab: Lab) -> list[str]:
    lines = ["link set lo up"]
    for link in lab.links:
        bridge = f"br-{link.name}"
        lines += [
            f"link add {bridge} type bridge mcast_snooping 0",
            f"link set {bridge} up",
            f"addr add {link.prefix[1]}/{link.prefix.prefixlen} dev {bridge}",
        ]
        if link.prefix6 is not None:
            lines.append(f"addr add {link.prefix6[1]}/{link.prefix6.prefixlen} dev {bridge} nodad")
    for place in lab.places:
        port = f"p-{place.host}"
        lines += [
            f"link add {port} type veth peer name eth0 netns {lab.host(place.host).netns}",
            f"link set {port} master br-{place.link} up",
        ]
    return lines


def _host_lines(lab: Lab, place: Place) -> list[str]:
    link = next(link for link in lab.links if link.name == place.link)
    lines = [
        "link set lo up",
        "link set eth0 up",
        f"addr add {link.prefix[place.number]}/{link.prefix.prefixlen} dev eth0",
        f"route add default via {link.prefix[1]}",
    ]
    if link.prefix6 is not None:
        lines += [
            f"addr add {link.prefix6[place.number]}/{link.prefix6.prefixlen} dev eth0 nodad",
            f"route add ::/0 via {link.prefix6[1]}",
        ]
    return lines


def _ip(host: Host, lines: Sequence[str]) -> None:
    """One `ip -batch` in the host's network but the driver's mounts: it names other hosts by their /proc path."""
    argv = ["nsenter", "--target", str(host.pid), "--net", "--", "ip", "-batch", "-"]
    done = subprocess.run(
        argv, input="\n".join(lines) + "\n", text=True, capture_output=True, env=environment(), timeout=20
    )
    if done.returncode != 0:
        raise CommandFailed(host.name, argv[5:], done.returncode, done.stderr)
