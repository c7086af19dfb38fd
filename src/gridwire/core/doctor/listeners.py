"""Programs that listen on every address of the host: whose they are, and where each is told to keep to one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from gridwire.core.addressing import Address
from gridwire.core.doctor.kinds import found
from gridwire.core.listening import Listening, Protocol
from gridwire.core.perimeter import Finding

# Where each is told to keep to one address. By the beginning of the process's name, in the order of the list.
_FIXES: tuple[tuple[str, str], ...] = (
    ("docker-proxy", "publish the port as 127.0.0.1:{port}:… (compose.yaml: ports), or use `network_mode: host`"),
    ("nginx", "`listen 127.0.0.1:{port};` in /etc/nginx (sites-enabled/default is Debian's own)"),
    ("apache2", "`Listen 127.0.0.1:{port}` in /etc/apache2/ports.conf"),
    ("httpd", "`Listen 127.0.0.1:{port}` in /etc/httpd/conf/httpd.conf"),
    ("caddy", "`default_bind 127.0.0.1` in the Caddyfile's global options"),
    ("haproxy", "`bind 127.0.0.1:{port}` in /etc/haproxy/haproxy.cfg"),
    ("traefik", "`--entrypoints.NAME.address=127.0.0.1:{port}`"),
    ("envoy", "`socket_address: {{address: 127.0.0.1, …}}` of its listener"),
    ("postgres", "`listen_addresses = 'localhost'` in postgresql.conf"),
    ("mysqld", "`bind-address = 127.0.0.1` under [mysqld]"),
    ("mariadbd", "`bind-address = 127.0.0.1` under [mysqld]"),
    ("redis-server", "`bind 127.0.0.1 -::1` in redis.conf"),
    ("valkey-server", "`bind 127.0.0.1 -::1` in valkey.conf"),
    ("mongod", "`net.bindIp: 127.0.0.1` in /etc/mongod.conf"),
    ("memcached", "`-l 127.0.0.1` in /etc/memcached.conf"),
    ("prometheus", "`--web.listen-address=127.0.0.1:{port}`"),
    ("node_exporter", "`--web.listen-address=127.0.0.1:{port}`"),
    ("prometheus-node", "`--web.listen-address=127.0.0.1:{port}` in /etc/default/prometheus-node-exporter"),
    ("grafana", "`http_addr = 127.0.0.1` under [server] in grafana.ini"),
    ("dockerd", "take `-H tcp://…` away: whoever reaches it is root here"),
    ("rpcbind", "apt remove rpcbind where NFS is not used; else `-h 127.0.0.1` in /etc/default/rpcbind"),
    ("master", "`inet_interfaces = loopback-only` in /etc/postfix/main.cf"),
    ("exim4", "`dc_local_interfaces='127.0.0.1 ; ::1'` in /etc/exim4/update-exim4.conf.conf"),
    ("dnsmasq", "`listen-address=127.0.0.1` and `bind-interfaces` in /etc/dnsmasq.conf"),
    ("named", "`listen-on {{ 127.0.0.1; }};` in named.conf.options"),
    ("unbound", "`interface: 127.0.0.1` in unbound.conf"),
    ("smbd", "`interfaces = lo` and `bind interfaces only = yes` in smb.conf"),
    ("minio", "`--address 127.0.0.1:{port}`"),
    ("uvicorn", "`--host 127.0.0.1`"),
    ("gunicorn", "`--bind 127.0.0.1:{port}`"),
    ("node", "`.listen({port}, '127.0.0.1')` in the application"),
    ("python", "give the application 127.0.0.1 as its host"),
    ("java", "`server.address=127.0.0.1` (Spring), or the application's own setting"),
    ("ruby", "`-b 127.0.0.1`"),
    ("php", "`php -S 127.0.0.1:{port}`"),
)
# Ports that are open on every address as a rule, and whose programs have their own keys or ask nobody.
_EXPECTED: frozenset[tuple[str, str]] = frozenset(
    {
        ("tcp", "sshd"),
        ("udp", "dhclient"),
        ("udp", "dhcpcd"),
        ("udp", "systemd-networkd"),
        ("udp", "systemd-network"),
        ("udp", "NetworkManager"),
        ("udp", "chronyd"),
        ("udp", "ntpd"),
        ("udp", "systemd-timesyncd"),
        ("udp", "systemd-timesyn"),
        ("udp", "avahi-daemon"),
        ("udp", "tailscaled"),
    }
)


def judge_listeners(
    listeners: Iterable[Listening],
    *,
    needed: Collection[tuple[Protocol, int]],
    mesh: Address | None,
    own: Collection[int],
    root: bool,
) -> tuple[Finding, ...]:
    """``needed``: ports that this node takes, TCP on ``mesh`` alone; ``own``: gridwire's own processes, which are no
    findings, and neither are the kernel's sockets (WireGuard's, NFS'), which root tells from others'."""
    held: list[Finding] = []
    wide: dict[tuple[Protocol, int, str], list[Listening]] = {}
    for one in listeners:
        kernels = root and one.pid is None and one.protocol == "udp"
        if one.pid in own or kernels:
            continue
        taken = one.address.is_unspecified or (one.address == mesh and one.pid is not None)
        if (one.protocol, one.port) in needed and taken:
            held.append(_held(one))
        elif one.address.is_unspecified:
            wide.setdefault((one.protocol, one.port, one.process), []).append(one)
    return (*dict.fromkeys(held), *(_wide(*some) for some in wide.values()))


def _held(one: Listening) -> Finding:
    return found(
        "port-held",
        f"{_port(one)} is held by {_who(one)}, and gridwire needs it",
        evidence=_evidence(one),
        fix=f"{fix_of(one)}; or give gridwire another port (network.ports, endpoint)",
    )


def _wide(one: Listening, *others: Listening) -> Finding:
    """One program at one port, of IPv4 and IPv6, which Docker's proxy takes with a process each."""
    evidence = ", ".join(map(_evidence, (one, *others)))
    if (one.protocol, _plain(one.process)) in _EXPECTED:
        return found("wildcard-expected", f"{_who(one)} listens on every address at {_port(one)}", evidence=evidence)
    return found(
        "wildcard-listener",
        f"{_who(one)} listens on every address at {_port(one)}: whoever reaches this host reaches it",
        evidence=evidence,
        fix=fix_of(one),
    )


def fix_of(one: Listening) -> str:
    """Where this program is told to keep to one address."""
    if not one.process:
        return "see whose it is (ss -lntup, as root; in a container, on its host), and bind it to 127.0.0.1"
    for name, fix in _FIXES:
        if _plain(one.process).startswith(name):
            return fix.format(port=one.port)
    return f"bind {one.process} to 127.0.0.1, where gridwire's edge reaches it"


def _plain(process: str) -> str:
    return re.sub(r"[:\s].*", "", process)


def _who(one: Listening) -> str:
    return f"{one.process} (process {one.pid})" if one.pid is not None else "a process that cannot be seen"


def _port(one: Listening) -> str:
    return f"{one.port}/{one.protocol}"


def _evidence(one: Listening) -> str:
    address = f"[{one.address}]" if one.address.version == 6 else str(one.address)
    return f"{one.protocol} {address}:{one.port}"
