"""Who may reach what, by cases that people read; tests/netns/guard/test_exposure_netns.py tries the same for real.

tests/cases/exposure/NAME.json: ``guard`` names a folder of tests/cases/guard (null: nothing is known of it), the rest
is what is known besides. Each socket is "PROTOCOL ADDRESS PORT [DEVICE]", its reach, and its ways: realm, + open,
- closed or ? unknown, and who.
"""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gridwire.core.exposure import Exposure, Link, Realm, Standpoint, Way, expose
from gridwire.core.guard import GuardSpec
from gridwire.core.listening import Listening
from gridwire.core.names import Interface

ROOT = Path(__file__).parents[1] / "cases"
CASES = sorted((ROOT / "exposure").glob("*.json"))


def guard_of(name: str | None) -> GuardSpec | None:
    if name is None:
        return None
    return TypeAdapter(GuardSpec).validate_json((ROOT / "guard" / name / "spec.json").read_bytes())


def standpoint(case: dict[str, Any]) -> Standpoint:
    links = tuple(
        Link(name=Interface(name), addresses=tuple(map(ip_address, addresses)))
        for name, addresses in case.get("links", {}).items()
    )
    return Standpoint(
        unknown=case.get("unknown", ""),
        guard=guard_of(case["guard"]),
        stands=case.get("stands"),
        late=case.get("late", False),
        links=links,
        localnet=tuple(map(Interface, case.get("localnet", []))),
        firewalls=tuple(case.get("firewalls", [])),
    )


def parsed(text: str) -> Listening:
    protocol, address, port, *device = text.removesuffix(" both").split()
    return Listening(
        protocol=protocol,  # type: ignore[arg-type]
        address=ip_address(address),
        port=int(port),
        pid=7,
        process="app",
        device=Interface(device[0]) if device else None,
        both=text.endswith(" both"),
    )


def said(way: Way) -> str:
    return " ".join((way.realm, {True: "+", False: "-", None: "?"}[way.open], *way.who))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_who_may_reach_what(path: Path) -> None:
    case = json.loads(path.read_text())
    seen = standpoint(case)
    found = {}
    for text in case["sockets"]:
        exposure = expose(parsed(text), seen)
        assert all(way.rule for way in exposure.ways)
        found[text] = [str(exposure.reach), *map(said, exposure.ways)]
    assert found == case["sockets"]


ADDRESSES = ("10.85.0.1", "0.0.0.0", "::", "127.0.0.1", "::1", "203.0.113.7", "224.0.0.251", "10.85.9.9", "8.8.8.8")
sockets = st.builds(
    Listening,
    protocol=st.sampled_from(["tcp", "udp"]),
    address=st.sampled_from(ADDRESSES).map(ip_address),
    port=st.sampled_from([80, 2086, 2087, 22, 9000]),
    pid=st.just(7),
    process=st.just("app"),
    device=st.sampled_from([None, "eth0", "gw0", "lo", "gone"]),
    both=st.booleans(),
)
LINKS = (
    Link(name=Interface("eth0"), addresses=(ip_address("203.0.113.7"), ip_address("8.8.8.8"))),
    Link(name=Interface("gw0"), addresses=(ip_address("10.85.0.1"),)),
)
GATEWAY = guard_of("a-gateway-and-all-roles")
WHOLE = Standpoint(guard=GATEWAY, stands=True, links=LINKS)


@given(sockets)
def test_less_knowledge_never_makes_a_socket_look_safer(one: Listening) -> None:
    known = expose(one, WHOLE)
    for less in (replace(WHOLE, stands=None), replace(WHOLE, late=True), replace(WHOLE, guard=None, stands=None)):
        assert wideness(expose(one, less)) >= wideness(known)
    assert expose(one, Standpoint(unknown="silent")).reach is Realm.UNKNOWN


@given(sockets)
def test_nothing_from_outside_comes_to_what_the_guard_hides(one: Listening) -> None:
    if str(one.address).startswith(("10.85.", "127.", "::1")):
        assert not expose(one, WHOLE).public


def wideness(exposure: Exposure) -> int:
    return tuple(Realm).index(exposure.reach)
