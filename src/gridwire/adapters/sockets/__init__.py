"""The host's sockets: who listens, ending those that belong to an address, and small questions to others."""

from __future__ import annotations

from gridwire.adapters.sockets.datagram import ask
from gridwire.adapters.sockets.echo import SMALL, echo, largest_echo
from gridwire.adapters.sockets.kill import kill_sockets
from gridwire.adapters.sockets.knock import knock
from gridwire.adapters.sockets.listening import SocketReader, holders, listening
from gridwire.adapters.sockets.said_time import said_time
from gridwire.adapters.sockets.way import leads_to

__all__ = [
    "SMALL",
    "SocketReader",
    "ask",
    "echo",
    "holders",
    "kill_sockets",
    "knock",
    "largest_echo",
    "leads_to",
    "listening",
    "said_time",
]
