"""What `nft -j` says of a table, in a form that is equal exactly while nobody changed the table. Pure.

Left out: handles, counts, and who is in a set that the kernel itself fills (meters, known endpoints).
Order is kept where it means something, among the rules of a chain, and sorted everywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Object = dict[str, Any]
Listing = list[Object]

_VERDICTS = frozenset({"accept", "drop", "return", "jump", "goto", "reject", "queue", "continue"})


def canonical(objects: Iterable[Object]) -> Listing:
    """``objects``: those of a listing's "nftables", or what the "add" commands of a transaction add."""
    rules: Listing = []
    others: dict[str, Object] = {}
    for wrapped in objects:
        kind, body = next(iter(wrapped.items()))
        if kind == "metainfo":
            continue
        plain = {key: _plain(value) for key, value in body.items() if key not in ("handle", "packets", "bytes")}
        if kind == "set":
            plain = _set(plain)
        if kind == "rule":
            rules.append({kind: plain})
        else:
            others[f"{kind} {plain.get('name', '')}"] = {kind: plain}
    rules.sort(key=lambda rule: str(rule["rule"].get("chain")))  # stable: the order within a chain stays
    return [others[name] for name in sorted(others)] + rules


def added(transaction: Object) -> Listing:
    """What a transaction adds, as objects of a listing."""
    return [command["add"] for command in transaction["nftables"] if "add" in command]


def difference(expected: Listing, seen: Listing) -> str:
    """How ``seen`` is not ``expected`` (both canonical), in a few words; empty where they are equal."""
    if expected == seen:
        return ""
    before, after = _by_name(expected), _by_name(seen)
    said = [f"{name} is gone" for name in before if name not in after]
    said += [f"{name} is new" for name in after if name not in before]
    said += [
        _change(name, before[name], after[name]) for name in before if name in after and before[name] != after[name]
    ]
    return "; ".join(said[:3]) + ("; …" if len(said) > 3 else "")


def lacking(transaction: Object, seen: Listing) -> str:
    """What the table read back lacks of a transaction; empty where it has all of it.

    Versions of nft list one rule in different words, so this compares what has only one spelling: sets and
    their elements, chains with hook, priority and policy, and each rule's verdict, in order.
    """
    wanted, found = _by_name(canonical(added(transaction))), _by_name(seen)
    if any("flags" in wrapped.get("table", ()) for wrapped in seen):
        return "the table is dormant"
    for name, objects in wanted.items():
        others = found.get(name)
        if others is None:
            return f"{name} is missing"
        if name.startswith("rules "):
            same = [_verdicts(o) for o in objects] == [_verdicts(o) for o in others]
        elif name.startswith("set "):
            same = _same(objects[0]["set"], others[0]["set"], ("type", "elem", "timeout"))
        elif name.startswith("chain "):
            same = _same(objects[0]["chain"], others[0]["chain"], ("type", "hook", "prio", "policy"))
        else:
            same = True
        if not same:
            return f"{name} is not as it was loaded"
    if extra := found.keys() - wanted.keys():
        return f"{min(extra)} was not asked for"
    return ""


def with_members(listing: Listing, members: Mapping[str, Sequence[str]]) -> Listing:
    """A canonical listing as it is to be once these sets have these elements."""
    changed: Listing = []
    for wrapped in listing:
        body = wrapped.get("set")
        if body is None or body["name"] not in members:
            changed.append(wrapped)
            continue
        rest = {key: value for key, value in body.items() if key != "elem"}
        elements = list(members[body["name"]])
        changed.append({"set": _set(rest | ({"elem": elements} if elements else {}))})
    return canonical(changed)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _plain(item) for key, item in value.items()}
    if isinstance(plain.get("set"), list):  # an anonymous set
        plain["set"] = sorted(plain["set"], key=_text)
    if isinstance(plain.get("counter"), dict):
        plain["counter"] = None
    return plain


def _set(body: Object) -> Object:
    if "timeout" in body:
        return {key: value for key, value in body.items() if key not in ("elem", "flags")} | {"flags": "timeout"}
    return body | ({"elem": sorted(body["elem"], key=_text)} if "elem" in body else {})


def _by_name(listing: Listing) -> dict[str, list[Object]]:
    """ "set role_edge" → [object]; the rules of a chain together as "rules CHAIN"."""
    found: dict[str, list[Object]] = {}
    for wrapped in listing:
        kind, body = next(iter(wrapped.items()))
        name = f"rules of chain {body.get('chain')}" if kind == "rule" else f"{kind} {body.get('name')}"
        found.setdefault(name, []).append(wrapped)
    return found


def _change(name: str, before: list[Object], after: list[Object]) -> str:
    if len(before) != len(after):
        return f"{name}: {len(before)} → {len(after)}"
    if name.startswith("set "):
        old, new = (set(map(_text, objects[0]["set"].get("elem", ()))) for objects in (before, after))
        if old != new:
            return f"{name}: {len(new - old)} added, {len(old - new)} removed"
    return f"{name}: changed"


def _same(wanted: Object, found: Object, keys: tuple[str, ...]) -> bool:
    return all(wanted.get(key) == found.get(key) for key in keys)


def _verdicts(rule: Object) -> list[str]:
    return [key for expression in rule["rule"]["expr"] for key in expression if key in _VERDICTS]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
