"""Why a node does not reach a gateway, by what it saw: one cause for each, and what is left where none has a sign."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gridwire.core.addressing import Clash
from gridwire.core.doctor.machine import Conntrack
from gridwire.core.doctor.tunnel import Echoes, GatewaySeen, NearEnd, Reply, judge_near_end
from gridwire.core.names import Interface, NodeName
from gridwire.core.observed import Known, Unknown
from gridwire.core.wireguard import MeshObserved, PeerSeen, PublicKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = PublicKey("k" * 43 + "=")
ONLY = (ip_network("10.85.0.1/32"),)
PEER = PeerSeen(
    public_key=KEY,
    endpoint="203.0.113.7:51820",
    allowed_ips=ONLY,
    latest_handshake=NOW - timedelta(seconds=40),
    received_bytes=1000,
    sent_bytes=1000,
    keepalive=15,
)
HEARD = replace(PEER, received_bytes=1032)
DEVICE = MeshObserved(
    interface=Interface("gw0"),
    kind="kernel",
    public_key=None,
    listen_port=1,
    mtu=1420,
    up=True,
    addresses=(),
    prefix_routed=True,
    blackholed=True,
    peers=(PEER,),
)
CARRIES = Echoes(small=True, full=True, mtu=1420, by="gw0")
SILENT = Echoes(small=False, full=False, mtu=1420, by="gw0")
GATEWAY = GatewaySeen(
    node=NodeName("gw"),
    public_key=KEY,
    address=ip_address("10.85.0.1"),
    endpoint="gw.example.com:51820",
    resolved=(ip_address("203.0.113.7"),),
    allowed_ips=ONLY,
    before=PEER,
    after=PEER,
    echoes=SILENT,
    reply=Reply.SILENT,
    answers=False,
    clock=None,
)
FULL = Conntrack(entries=100, most=100, dropped=9, udp_timeout=30, udp_stream_timeout=120)
WELL = NearEnd(
    now=NOW,
    interface=Interface("gw0"),
    device=Known(DEVICE),
    differences=(),
    clashes=(),
    conntrack=None,
    clock_behind=False,
    gateways=(replace(GATEWAY, echoes=CARRIES),),
)


def ids(seen: NearEnd) -> list[str]:
    return [finding.id for finding in judge_near_end(seen)]


def test_a_tunnel_that_carries_full_packets_has_no_finding() -> None:
    assert ids(WELL) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, "not-answered"),
        ({"echoes": Echoes(small=True, full=False, mtu=1420, largest=1200, by="gw0")}, "mtu"),
        ({"echoes": replace(SILENT, by="eth0")}, "clash"),
        ({"after": replace(PEER, allowed_ips=())}, "allowed-ips"),
        ({"after": HEARD}, "not-carrying"),
        ({"after": replace(PEER, latest_handshake=NOW)}, "not-carrying"),
        ({"answers": True}, "udp-blocked"),
        ({"reply": Reply.PROHIBITED}, "udp-blocked"),
        ({"reply": Reply.NO_HOST}, "endpoint-changed"),
        ({"reply": Reply.REFUSED, "answers": True}, "endpoint-changed"),
        ({"resolved": (ip_address("203.0.113.9"),)}, "endpoint-changed"),
        ({"resolved": ()}, "endpoint-unresolved"),
        ({"reply": Reply.NO_ROUTE}, "no-network"),
        ({"before": None, "after": None}, "not-answered"),
    ],
    ids=str,
)
def test_each_cause_has_its_sign(changed: dict[str, Any], found: str) -> None:
    seen = replace(WELL, gateways=(replace(GATEWAY, **changed),))
    assert ids(seen) == [found]


def test_an_own_table_that_is_full_is_named_before_the_wire() -> None:
    seen = replace(WELL, conntrack=FULL, gateways=(replace(GATEWAY, answers=True),))
    assert ids(seen) == ["conntrack"]


def test_a_clock_that_is_behind_is_named_where_nothing_else_has_a_sign() -> None:
    assert ids(replace(WELL, clock_behind=True, gateways=(GATEWAY,))) == ["clock"]


def test_a_tunnel_that_carries_tells_clocks_that_differ() -> None:
    differ = replace(GATEWAY, echoes=CARRIES, clock=(NOW + timedelta(hours=3), NOW))
    (finding,) = judge_near_end(replace(WELL, gateways=(differ,)))
    assert finding.id == "clock"
    assert "differ by 3 hours" in finding.what
    near = replace(differ, clock=(NOW + timedelta(seconds=50), NOW))
    assert ids(replace(WELL, gateways=(near,))) == []


def test_what_the_agent_would_change_is_told_once() -> None:
    wrong = replace(GATEWAY, after=replace(PEER, allowed_ips=()))
    seen = replace(WELL, differences=("gw: allowed IPs none → 10.85.0.1/32",), gateways=(wrong,))
    assert ids(seen) == ["allowed-ips"]
    assert ids(replace(WELL, differences=("mtu 1280 → 1420",))) == ["device-differs"]


def test_no_device_is_named_and_one_that_cannot_be_read_is_not_called_well() -> None:
    assert ids(replace(WELL, device=Known(None), gateways=())) == ["device-missing"]
    assert ids(replace(WELL, device=Unknown("only root"), gateways=())) == []


def test_a_clash_is_told_with_whose_addresses_they_are() -> None:
    clash = Clash("address 10.85.0.9/24 of eth0", "choose another")
    seen = replace(WELL, clashes=(clash,), gateways=(replace(GATEWAY, echoes=replace(SILENT, by="eth0")),))
    (finding,) = judge_near_end(seen)
    assert clash.with_what in finding.what
    assert finding.fix == clash.fix
