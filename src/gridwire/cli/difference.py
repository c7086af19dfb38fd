"""How a difference reads: what changes, who gains and loses what, what serves, what is cut."""

from __future__ import annotations

from collections.abc import Iterable

from gridwire.cli.output import say
from gridwire.core.crowd import Crowd
from gridwire.core.difference import Difference, NounChange, Socket, Upstream, Why
from gridwire.core.reachability import Access, Place, Redirection

_FEW = 6  # nodes that are called by name
_CUT = {
    Why.REVOKED: ("its tunnel, and whatever goes through it", "their tunnels, and whatever goes through them"),
    Why.WITHDRAWN: ("what is under way on what it loses", "what is under way on what they lose"),
}


def print_difference(found: Difference) -> None:
    """Signs in front, as in a diff: + appears, - goes, ~ changes, ! wants a second look."""
    for line in lines_of(found):
        say(line)


def lines_of(found: Difference) -> Iterable[str]:
    for noun in found.nouns:
        yield from _noun(noun)
    for gain in found.gains:
        yield from _access("+", gain, "gain")
    for loss in found.losses:
        yield from _access("-", loss, "lose")
    for moved in found.redirections:
        yield _moved(moved)
    for socket in found.appear:
        yield f"+ {_socket(socket)}"
    for socket in found.go:
        yield f"- {_socket(socket)}"
    for upstream in found.upstreams:
        yield from _upstream(upstream)
    for service in found.unserved:
        yield f"! {service} has no endpoint left: its routes answer 503"
    for cut in found.cuts:
        yield f"! cut: {crowd(cut.who)}: {_CUT[cut.why][cut.who.count > 1]}"
    if found.left_out:
        yield f"… and {found.left_out:,} more"


def _noun(noun: NounChange) -> Iterable[str]:
    sign = "+" if noun.before is None else "-" if noun.after is None else "~"
    yield f"{sign} {noun.noun} {noun.name}"
    if sign == "-":
        return
    width = max((len(field.field) for field in noun.fields), default=0)
    for field in noun.fields:
        if sign == "~":
            yield f"    {field.field:<{width}}  {_value(field.before)} → {_value(field.after)}"
        elif field.field != "name":
            yield f"    {field.field:<{width}}  {_value(field.after)}"


def _value(text: str | None) -> str:
    return "none" if text is None or text == "" else text


def _access(sign: str, access: Access, verb: str) -> Iterable[str]:
    single = access.who.count == 1
    places = [_place(place) for place in access.places]
    yield f"{sign} {crowd(access.who)} {verb}{'s' if single else ''} {', '.join(places[:3])}"
    for start in range(3, len(places), 3):
        yield f"    {', '.join(places[start : start + 3])}"


def _place(place: Place) -> str:
    return f"{place.host}{place.path} → {place.service}"


def _moved(moved: Redirection) -> str:
    return f"~ {moved.host}{moved.path} leads {crowd(moved.who)} to {moved.after}, no longer to {moved.before}"


def _socket(socket: Socket) -> str:
    address = "every address" if socket.address is None else str(socket.address)
    return f"{socket.node} listens on {address} port {socket.port}/{socket.transport} ({socket.kind})"


def _upstream(upstream: Upstream) -> Iterable[str]:
    yield f"~ {upstream.service}: {upstream.before} → {upstream.after} endpoint{'' if upstream.after == 1 else 's'}"
    if upstream.enter.count:
        yield f"    + {crowd(upstream.enter)}"
    if upstream.leave.count:
        yield f"    - {crowd(upstream.leave)}; what is under way there goes to its end"
    if upstream.drain.count:
        yield f"    - {crowd(upstream.drain)} drained; what is under way there goes to its end"
    if upstream.target_before is not None:
        yield f"    {upstream.target_before} → {upstream.target_after} on each of them"


def crowd(who: Crowd) -> str:
    """``phone, laptop``, or ``all 5,000 of role:client and 2 others``."""
    if who.count <= _FEW:
        return ", ".join(who.nodes)
    parts = [f"all {group.count:,} of {group.selector}" for group in who.groups[:3]]
    rest = who.count - sum(group.count for group in who.groups[:3])
    if rest:
        parts.append(f"{rest:,} other node{'' if rest == 1 else 's'}" if parts else f"{rest:,} nodes")
    return " and ".join(parts)
