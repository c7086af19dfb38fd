"""tailscaled, by its LocalAPI: what it says of this node and its peers, and when that changes. Nothing is changed."""

from gridwire.adapters.tailscale.local_api import LocalApi, host_addresses
from gridwire.adapters.tailscale.watch import TailnetWatch

__all__ = ["LocalApi", "TailnetWatch", "host_addresses"]
