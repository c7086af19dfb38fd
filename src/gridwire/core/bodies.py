"""How long a request's body may be: nginx takes one before control can ask who sends it, so both have one bound."""

from __future__ import annotations

from typing import Final

PERSONS: Final = 256 * 1024  # a service with weights for 3,000 nodes, a policy of as many selectors
AGENTS: Final = 2 * 1024 * 1024  # of nodes that ask through the mesh; the sockets of one are at most 1 MB
OWN: Final = 8 * 1024 * 1024  # of this host's agent, by its socket: 10,000 peers and as many endpoints
