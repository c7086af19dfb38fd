"""Peers as wg reads them."""

from __future__ import annotations

import base64
from ipaddress import ip_network

import pytest

from gridwire.core.errors import Invalid
from gridwire.core.mesh_actions import PeerConfig
from gridwire.core.wireguard import PublicKey
from gridwire.render.wireguard import peers_text

ONE, TWO = (PublicKey(base64.b64encode(bytes([n]) * 32).decode()) for n in (2, 3))


def test_peers_are_written_whole() -> None:
    peers = (
        PeerConfig(
            public_key=ONE,
            allowed_ips=(ip_network("10.85.1.0/32"), ip_network("fd85::7/128")),
            endpoint="[fd00::1]:51820",
            keepalive=15,
        ),
        PeerConfig(public_key=TWO, allowed_ips=()),
    )
    assert peers_text(peers) == (
        f"[Peer]\nPublicKey = {ONE}\nAllowedIPs = 10.85.1.0/32, fd85::7/128\nEndpoint = [fd00::1]:51820\n"
        f"PersistentKeepalive = 15\n\n[Peer]\nPublicKey = {TWO}\nPersistentKeepalive = off\n"
    )


def test_no_peers_are_no_text() -> None:
    assert peers_text(()) == ""


@pytest.mark.parametrize(
    "endpoint", ["gw.example.com:51820", "192.0.2.1:51820\n[Peer]", "192.0.2.1", "192.0.2.1:51820 #", "%s:1"]
)
def test_endpoint_that_is_no_literal_is_refused(endpoint: str) -> None:
    with pytest.raises(Invalid):
        peers_text([PeerConfig(public_key=ONE, allowed_ips=(), endpoint=endpoint)])


@pytest.mark.parametrize(
    "key", ["", "x\n[Interface]", f"{ONE}\nPrivateKey = {ONE}", base64.b64encode(bytes(32)).decode()]
)
def test_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        peers_text([PeerConfig(public_key=PublicKey(key), allowed_ips=())])
