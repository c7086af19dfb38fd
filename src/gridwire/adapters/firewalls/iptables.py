"""Chains of iptables, as `iptables -S` lists them. Pure.

Only what is certain counts as let through: an accept that names the port or the interface and nothing else.
"""

from __future__ import annotations

import shlex

from gridwire.adapters.firewalls.obstacle import Argv, Needs, Obstacle

_ENDS = ("DROP", "REJECT")


def obstacle(program: str, listing: str, needs: Needs) -> Obstacle | None:
    """``program``: iptables or ip6tables; ``listing``: what its -S says of table filter."""
    rules = [shlex.split(line) for line in listing.splitlines() if line.startswith("-")]
    policy = next((rule[2] for rule in rules if rule[:2] == ["-P", "INPUT"]), "ACCEPT")
    reached = _input(rules)
    if policy not in _ENDS and not any(_judges(rule) in _ENDS and not _narrow(rule) for rule in reached):
        return None
    port = str(needs.listen_port)
    drops: list[str] = []
    commands: list[Argv] = []
    wide = not any(_accepts(rule, []) for rule in _until_drop(reached))
    udp = ["-p", "udp", "-m", "udp", "--dport", port]
    if wide and needs.listen_port and not any(_accepts(rule, udp) for rule in _until_drop(reached)):
        drops.append(f"{port}/udp")
        commands.append((program, "-I", "INPUT", "-p", "udp", "--dport", port, "-j", "ACCEPT"))
    device = ["-i", str(needs.interface)]
    if wide and not any(_accepts(rule, device) for rule in _until_drop(reached)):
        drops.append(str(needs.interface))
        commands.append((program, "-I", "INPUT", *device, "-j", "ACCEPT"))
    if not drops:
        return None
    return Obstacle(
        firewall=program,
        drops=tuple(drops),
        commands=tuple(commands),
        lasting=False,
        note="save the rules where they are loaded from at boot (netfilter-persistent save)",
    )


def _input(rules: list[list[str]], chain: str = "INPUT", depth: int = 8) -> list[list[str]]:
    """The rules that a packet meets in INPUT, with the chains that it is sent to unconditionally in their place."""
    met: list[list[str]] = []
    for rule in rules:
        if rule[:2] != ["-A", chain]:
            continue
        target = _judges(rule)
        if depth and rule[2:-2] == [] and any(other[:2] == ["-A", target] for other in rules):
            met += _input(rules, target, depth - 1)
        else:
            met.append(rule)
    return met


def _until_drop(rules: list[list[str]]) -> list[list[str]]:
    before: list[list[str]] = []
    for rule in rules:
        if _judges(rule) in _ENDS and not _narrow(rule):
            break
        before.append(rule)
    return before


def _judges(rule: list[str]) -> str:
    return rule[rule.index("-j") + 1] if "-j" in rule[:-1] else ""


def _narrow(rule: list[str]) -> bool:
    """Whether it judges only some packets: there is a match before the target."""
    return rule.index("-j") > 2


def _accepts(rule: list[str], matches: list[str]) -> bool:
    """An accept of exactly these matches; comments do not count."""
    if _judges(rule) != "ACCEPT":
        return False
    plain = rule[2 : rule.index("-j")]
    while "--comment" in plain:
        at = plain.index("--comment")
        plain = plain[: at - 2] + plain[at + 2 :]
    return plain == matches
