"""What is read of a host's network, and that nothing is read where there is nothing."""

from __future__ import annotations

import os
import socket

import pytest

from gridwire.core.errors import Unavailable
from gridwire.lab.host import Host
from gridwire.lab.listeners import connected
from gridwire.lab.proofs.revoke import received_bytes

THIS = Host(name="this", pid=os.getpid())


def test_bytes_of_an_interface_that_is_not_there_are_not_none_but_unknown() -> None:
    assert received_bytes(THIS, "lo") >= 0
    with pytest.raises(Unavailable, match="has no gw9"):
        received_bytes(THIS, "gw9")


def test_standing_connections_are_counted() -> None:
    with socket.create_server(("127.0.0.77", 0)) as server:
        before = connected(THIS, "127.0.0.77")
        with socket.create_connection(server.getsockname()):
            assert connected(THIS, "127.0.0.77") == before + 1
        assert connected(THIS, "127.0.0.78") == 0
