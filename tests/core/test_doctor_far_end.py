"""Why a gateway does not reach a node, by what it saw: who calls is known by a handshake's first message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gridwire.core.doctor.far_end import FarEnd, Initiation, judge_far_end
from gridwire.core.doctor.machine import Conntrack
from gridwire.core.doctor.surroundings import Barrier, EndpointSeen
from gridwire.core.doctor.tunnel import Echoes
from gridwire.core.fleet import NodeState, Role
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.wireguard import PeerSeen, PublicKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONLY = (ip_network("10.85.1.0/32"),)
PEER = PeerSeen(
    public_key=PublicKey("k" * 43 + "="),
    endpoint="198.51.100.5:40000",
    allowed_ips=ONLY,
    latest_handshake=NOW - timedelta(minutes=9),
    received_bytes=1000,
    sent_bytes=1000,
    keepalive=0,
)
CARRIES = Echoes(small=True, full=True, mtu=1420, by="gw0")
SILENT = Echoes(small=False, full=False, mtu=1420, by="gw0")
FULL = Conntrack(entries=100, most=100, dropped=9, udp_timeout=30, udp_stream_timeout=120)
CALL = Initiation(source="198.51.100.5:40000", stamp=NOW)
HERE = EndpointSeen(endpoint="203.0.113.7:51820", addresses=(ip_address("203.0.113.7"),), here=True)
AWAY = FarEnd(
    node=NodeName("home-1"),
    role=Role.EDGE,
    state=NodeState.ACTIVE,
    address=ip_address("10.85.1.0"),
    now=NOW,
    interface=Interface("gw0"),
    peers=Known(True),
    allowed_ips=ONLY,
    before=PEER,
    after=PEER,
    echoes=SILENT,
    calls=Known(()),
    others=0,
    watched=22.0,
    reported=NOW - timedelta(minutes=9),
    ahead=timedelta(0),
    agent_version="0.1.0",
    endpoint=HERE,
    conntrack=None,
    barriers=(),
    clashes=(),
)
UFW = Barrier(firewall="ufw", drops=("51820/udp", "gw0"), commands=("ufw allow 51820/udp",))
CALLS = Known((CALL,))


def ids(seen: FarEnd) -> list[str]:
    return [finding.id for finding in judge_far_end(seen)]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, ["not-arriving"]),
        ({"endpoint": replace(HERE, here=False)}, ["endpoint-changed"]),
        ({"endpoint": None}, ["not-arriving"]),
        ({"calls": CALLS}, ["clock"]),
        ({"calls": Known((replace(CALL, stamp=NOW - timedelta(days=1)),))}, ["clock"]),
        ({"calls": CALLS, "conntrack": FULL}, ["conntrack"]),
        ({"calls": CALLS, "barriers": (UFW,)}, ["udp-blocked"]),
        ({"barriers": (UFW,)}, ["udp-blocked"]),
        ({"conntrack": FULL}, ["conntrack"]),
        ({"calls": CALLS, "barriers": (replace(UFW, drops=("gw0",)),)}, ["clock"]),
        ({"calls": CALLS, "after": replace(PEER, latest_handshake=NOW)}, ["not-carrying"]),
        ({"after": replace(PEER, received_bytes=1032)}, ["not-carrying"]),
        ({"after": replace(PEER, allowed_ips=())}, ["allowed-ips"]),
        ({"after": None}, ["peer-missing"]),
        ({"echoes": replace(SILENT, by="eth1")}, ["clash"]),
        ({"echoes": replace(CARRIES, full=False, largest=1200), "reported": NOW}, ["mtu"]),
        ({"echoes": CARRIES, "reported": NOW}, []),
        ({"echoes": CARRIES}, ["agent-silent"]),
        ({"echoes": CARRIES, "reported": None, "role": Role.CLIENT, "agent_version": ""}, []),
        ({"echoes": CARRIES, "reported": NOW, "ahead": timedelta(hours=-2)}, ["clock"]),
        ({"peers": Unknown("only root")}, []),
        ({"calls": Unknown("only root")}, []),
        ({"state": NodeState.REVOKED}, ["not-in-service"]),
    ],
    ids=str,
)
def test_each_cause_has_its_sign(changed: dict[str, Any], found: list[str]) -> None:
    assert ids(replace(AWAY, **changed)) == found


@pytest.mark.parametrize("state", [state for state in NodeState if state is not NodeState.ACTIVE])
def test_a_node_that_is_not_in_service_gets_its_next_step(state: NodeState) -> None:
    (finding,) = judge_far_end(replace(AWAY, state=state))
    assert str(state) in finding.what
    assert finding.fix


def test_a_stamp_tells_which_way_a_clock_is_wrong() -> None:
    for off, said in ((timedelta(days=-1), "24 hours behind"), (timedelta(hours=3), "3 hours ahead of")):
        (finding,) = judge_far_end(replace(AWAY, calls=Known((replace(CALL, stamp=NOW + off),))))
        assert f"its handshakes are stamped {said} this clock" in finding.what
    (finding,) = judge_far_end(replace(AWAY, calls=CALLS))
    assert "was ahead when it last shook hands" in finding.what


def test_that_others_get_through_is_said() -> None:
    (finding,) = judge_far_end(replace(AWAY, others=3))
    assert "others get through" in finding.what
