"""Everything of a machine that gridwire could have changed, as lines that can be compared."""

from __future__ import annotations

from machine import Machine

# What changes by itself: journals, caches, what systemd keeps of a boot, and shadow(5)'s own backups.
_VOLATILE = (
    "/var/log/journal",
    "/var/cache",
    "/var/lib/systemd",
    "/var/lib/logrotate",
    "/var/tmp",
    "/tmp",
    "/proc",
    "/sys",
    "/dev",
    "/run/systemd",
    "/run/log",
    "/run/udev",
    "/run/lock",
    "/run/user",
    "/run/utmp",
    "/etc/.pwd.lock",
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/group-",
    "/etc/gshadow-",
)
_PRUNED = " -o ".join(f"-path {path}" for path in _VOLATILE)

_ASKED = {
    # Directories' times and sizes say only that something came and went.
    "file": rf"find / \( {_PRUNED} \) -prune -o "
    r"-not -name __pycache__ -not -name '*.pyc' -printf '%p %y %m %u:%g %l\n'",
    "content": "find /etc /var/lib /usr/local /opt/wheels -type f -not -path '/var/lib/systemd/*' "
    "-not -path '/var/lib/dpkg/*' -not -path '/var/lib/logrotate/*' -not -name '*-' -not -name .pwd.lock "
    "-exec sha256sum {} +",
    "listener": "ss -Hlntu | awk '{print $1, $5}'",
    "unix": "ss -Hlx | awk '$5 !~ /^[*@]/ {print $5}'",
    "nft": "nft list ruleset",
    "rule": "ip rule; ip -6 rule",
    "route": "(ip route show table all; ip -6 route show table all) | grep -v fe80",
    "link": "ls /sys/class/net",
    "unit": "systemctl list-unit-files --no-legend --no-pager --plain | awk '{print $1, $2}'",
    "loaded": "systemctl list-units --all --no-legend --no-pager --plain --type=service,socket "
    "| awk '/gridwire|nginx/ {print $1, $3, $4}'",
    "sysctl": "sysctl -a 2>/dev/null | grep -E '^net\\.ipv[46]\\.(conf\\.(all|default|lo|street0)\\.|ip_forward)' "
    "| grep -v stable_secret",
    "process": "ps -eo comm= | grep -E 'nginx|gridwire|wireguard|python' || true",
    "user": "getent passwd; getent group",
}


def traces(machine: Machine) -> frozenset[str]:
    found = []
    for kind, command in _ASKED.items():
        found += [f"{kind}: {line}" for line in machine.run(command).stdout.splitlines()]
    return frozenset(found)


def shown(before: frozenset[str], after: frozenset[str]) -> str:
    """A diff without context, for a person who reads a failed test."""
    return "\n".join(
        [*(f"- {line}" for line in sorted(before - after)), *(f"+ {line}" for line in sorted(after - before))]
    )
