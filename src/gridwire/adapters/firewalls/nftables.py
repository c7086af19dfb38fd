"""Input chains of plain nftables, as `nft -j list ruleset` lists them. Pure.

Chains that iptables-nft, ufw or firewalld made are left to those: their rules hold expressions that nft itself
cannot name, or their tables have well-known names.
"""

from __future__ import annotations

from typing import Any

from gridwire.adapters.firewalls.obstacle import Argv, Needs, Obstacle
from gridwire.core.guard import TABLE

Object = dict[str, Any]

_OTHERS = frozenset({TABLE, "firewalld"})
_IPTABLES = frozenset({("ip", "filter"), ("ip6", "filter")})
_ENDS = frozenset({"drop", "reject"})


def obstacles(objects: list[Object], needs: Needs, *, iptables: bool) -> tuple[Obstacle, ...]:
    """One for each input chain in the way. ``iptables``: it is installed, and tells of its own tables."""
    found = []
    for body in (entry["chain"] for entry in objects if "chain" in entry):
        if body.get("hook") != "input" or body.get("type") != "filter" or body["table"] in _OTHERS:
            continue
        if iptables and (body["family"], body["table"]) in _IPTABLES:
            continue
        rules = _rules(objects, body)
        reached = []
        for rule in rules:
            reached.append(rule)
            if _verdict(rule) in _ENDS and len(_matches(rule)) == 0:
                break
        closed = body.get("policy") == "drop" or any(
            _verdict(rule) in _ENDS and len(_matches(rule)) == 0 for rule in reached
        )
        if closed and (obstacle := _obstacle(body, reached, needs)) is not None:
            found.append(obstacle)
    return tuple(found)


def closed_inputs(objects: list[Object]) -> tuple[str, ...]:
    """Who drops by default what comes in, of a listing of chains: each once, sorted."""
    chains = [entry["chain"] for entry in objects if "chain" in entry]
    ufw = any(body["name"].startswith("ufw-") for body in chains)
    found = set()
    for body in chains:
        if body.get("hook") != "input" or body.get("type") != "filter" or body["table"] == TABLE:
            continue
        if body["table"] == "firewalld":
            found.add("firewalld")  # its policy accepts, and its last rule rejects
        elif body.get("policy") == "drop":
            of_iptables = (body["family"], body["table"]) in _IPTABLES
            name = "ufw" if ufw and of_iptables else "iptables" if of_iptables else f"{body['family']} {body['table']}"
            found.add(name)
    return tuple(sorted(found))


def _obstacle(chain: Object, rules: list[Object], needs: Needs) -> Obstacle | None:
    place = (chain["family"], chain["table"], chain["name"])
    accepted = [_matches(rule) for rule in rules if _verdict(rule) == "accept"]
    if [] in accepted:
        return None
    drops: list[str] = []
    commands: list[Argv] = []
    insert = ("nft", "insert", "rule", *place)
    if needs.listen_port and not any(_is_port(matches, needs.listen_port) for matches in accepted):
        drops.append(f"{needs.listen_port}/udp")
        commands.append((*insert, "udp", "dport", str(needs.listen_port), "accept"))
    if not any(_is_interface(matches, needs.interface) for matches in accepted):
        drops.append(str(needs.interface))
        commands.append((*insert, "iifname", needs.interface, "accept"))
    if not drops:
        return None
    return Obstacle(
        firewall="nftables",
        drops=tuple(drops),
        commands=tuple(commands),
        lasting=False,
        note=f"write the same into the file that chain {' '.join(place)} is loaded from (/etc/nftables.conf)",
    )


def _rules(objects: list[Object], chain: Object, depth: int = 8) -> list[Object]:
    """The rules of a chain, with those that it jumps to unconditionally in place of the jump."""
    found: list[Object] = []
    for rule in (entry["rule"] for entry in objects if "rule" in entry):
        if (rule["family"], rule["table"], rule["chain"]) != (chain["family"], chain["table"], chain["name"]):
            continue
        target = next((e["jump"]["target"] for e in rule.get("expr", ()) if "jump" in e), None)
        if target is not None and depth and not _matches(rule):
            found += _rules(objects, {**chain, "name": target}, depth - 1)
        else:
            found.append(rule)
    return found


def _verdict(rule: Object) -> str:
    return next((key for e in rule.get("expr", ()) for key in e if key in _ENDS or key == "accept"), "")


def _matches(rule: Object) -> list[Object]:
    """Whatever narrows a rule down; counters, logs and comments do not."""
    free = _ENDS | {"accept", "counter", "log", "jump"}
    return [e for e in rule.get("expr", ()) if not free & e.keys()]


def _is_port(matches: list[Object], port: int) -> bool:
    """udp dport PORT, also as a member of an anonymous set or of a range."""
    if len(matches) != 1:
        return False
    match = matches[0].get("match", {})
    if match.get("left") != {"payload": {"protocol": "udp", "field": "dport"}} or match.get("op") != "==":
        return False
    right = match.get("right")
    members = right.get("set", [right]) if isinstance(right, dict) else [right]
    return any(_covers(member, port) for member in members)


def _covers(member: Any, port: int) -> bool:
    if isinstance(member, dict) and "range" in member:
        low, high = member["range"]
        return bool(low <= port <= high)
    return bool(member == port)


def _is_interface(matches: list[Object], interface: str) -> bool:
    if len(matches) != 1:
        return False
    match = matches[0].get("match", {})
    right = match.get("right")
    names = right.get("set", []) if isinstance(right, dict) else [right]
    left = match.get("left")
    return match.get("op") == "==" and left == {"meta": {"key": "iifname"}} and interface in names
