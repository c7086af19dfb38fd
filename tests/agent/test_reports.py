"""What is worth a report: news, and a heartbeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from gridwire.agent.reports import Pulse
from gridwire.core.names import NodeName
from gridwire.core.wireguard import PeerSeen, PublicKey
from gridwire.protocol.agent import ApplyState, Report

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PEER = PeerSeen(
    public_key=PublicKey("k"),
    endpoint="192.0.2.1:7",
    allowed_ips=(ip_network("10.85.1.0/32"),),
    latest_handshake=NOW,
    received_bytes=1,
    sent_bytes=2,
    keepalive=0,
)
REPORT = Report(node=NodeName("gw"), at=NOW, agent_version="1", version=(1, 2), state=ApplyState.IN_SYNC, peers=(PEER,))


def test_bytes_and_packets_are_no_news_and_everything_else_is() -> None:
    pulse = Pulse(10.0)
    assert pulse.due(REPORT, 100.0)
    pulse.taken(REPORT, 100.0)
    later = NOW + timedelta(seconds=5)
    more = replace(PEER, received_bytes=999, sent_bytes=999)
    assert not pulse.due(replace(REPORT, at=later, peers=(more,), handshake_packets=9, newcomer_packets=9), 105.0)
    assert pulse.due(replace(REPORT, peers=(replace(PEER, latest_handshake=later),)), 105.0)
    assert pulse.due(replace(REPORT, detail="nginx is away"), 105.0)
    assert pulse.due(REPORT, 110.0), "a heartbeat"


def test_a_report_that_control_did_not_take_is_due_again() -> None:
    pulse = Pulse(10.0)
    pulse.taken(REPORT, 100.0)
    pulse.lost()
    assert pulse.due(REPORT, 100.1)
