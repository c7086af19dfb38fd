"""Everything of a host with Docker that gridwire could have changed, as lines that can be compared."""

from __future__ import annotations

from .site import Site

_ON_HOST = {
    "listener": "ss -Hlntu | awk '{print $1, $5}'",
    "nft": "nft -s list ruleset",
    "rule": "ip rule; ip -6 rule",
    "route": "(ip route show table all; ip -6 route show table all) | grep -v -e fe80 -e ff00",
    "link": "ls /sys/class/net",
    "address": "ip -br address | grep -v ^veth",
    "sysctl": "sysctl -a 2>/dev/null | grep -E '^net\\.ipv[46]\\.(conf\\.(all|default|lo|eth0)\\.|ip_|tcp_mtu)' "
    "| grep -v stable_secret",
    "file": "find /etc /usr/local /var/lib /var/log /run -xdev -not -path '/run/docker*' -not -path '/run/containerd*' "
    "-not -path '/run/gridwire-docker*' -not -path '/run/tmp*' -printf '%p %y %m %u:%g %l\\n' 2>/dev/null",
    "content": "sha256sum /etc/hosts /etc/passwd /etc/group /etc/resolv.conf",
}
_OF_DOCKER = {
    "container": ("ps", "-a", "--format", "{{.Names}}"),
    "network": ("network", "ls", "--format", "{{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
}


def traces(site: Site) -> frozenset[str]:
    found = []
    for kind, command in _ON_HOST.items():
        said = site.host.run(["sh", "-c", command], check=False).stdout
        found += [f"{kind}: {line}" for line in said.splitlines()]
    for kind, arguments in _OF_DOCKER.items():
        found += [f"{kind}: {line}" for line in site.engine.docker(*arguments).splitlines()]
    return frozenset(found)


def shown(before: frozenset[str], after: frozenset[str]) -> str:
    """A diff without context, for a person who reads a failed test."""
    gone, come = sorted(before - after), sorted(after - before)
    return "\n".join([*(f"- {line}" for line in gone), *(f"+ {line}" for line in come)])
