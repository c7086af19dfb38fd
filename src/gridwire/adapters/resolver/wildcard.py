"""Whether ``*.DOMAIN`` leads to the gateway's mesh address, for a resolver that may strip private answers.

Many home routers and some public resolvers take private addresses out of answers (protection against DNS
rebinding): the name then exists and has no address, which looks like a forgotten record and is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridwire.adapters.resolver.lookup import Looked, look_up
from gridwire.core.addressing import Address
from gridwire.core.names import HostName

_PROBE = "gridwire-check"  # any label: the record is a wildcard


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCheck:
    ok: bool
    what: str
    fix: str = ""


def check_wildcard(domain: HostName, address: Address) -> NameCheck:
    return judge(domain, address, look_up(f"{_PROBE}.{domain}"))


def judge(domain: HostName, address: Address, looked: Looked) -> NameCheck:
    """Pure: what an answer for a name under ``domain`` means."""
    kind = "A" if address.version == 4 else "AAAA"
    record = f"create one record: *.{domain} {kind} {address}"
    if looked.outcome == "found" and address in looked.addresses:
        return NameCheck(ok=True, what=f"*.{domain} resolves to {address}")
    if looked.outcome == "found":
        seen = ", ".join(map(str, looked.addresses))
        return NameCheck(ok=False, what=f"*.{domain} resolves to {seen}, not to {address}", fix=record)
    if looked.outcome == "empty":
        return NameCheck(
            ok=False,
            what=f"*.{domain} exists, but this resolver gives no address for it: it strips private answers, it seems",
            fix=f"allow {domain} in the resolver's rebind protection (dnsmasq: rebind-domain-ok=/{domain}/, "
            f"unbound: private-domain: {domain}), or {record}",
        )
    if looked.outcome == "absent":
        return NameCheck(ok=False, what=f"*.{domain} does not resolve", fix=record)
    return NameCheck(ok=False, what=f"no resolver answered for *.{domain}", fix=f"{record}, and check /etc/resolv.conf")
