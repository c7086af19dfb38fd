"""The host's sockets: who listens, and ending those that belong to an address."""

from __future__ import annotations

from gridwire.adapters.sockets.kill import kill_sockets
from gridwire.adapters.sockets.knock import knock
from gridwire.adapters.sockets.listening import Listening, holders, listening
from gridwire.adapters.sockets.way import leads_to

__all__ = ["Listening", "holders", "kill_sockets", "knock", "leads_to", "listening"]
