"""The kernel's side of the guard: nftables by `nft -j`, routing rules by pyroute2, and news of changes to either."""

from gridwire.adapters.netfilter.listing import Listing, canonical, difference, lacking, with_members
from gridwire.adapters.netfilter.nft import Nft
from gridwire.adapters.netfilter.rules import RoutingRules
from gridwire.adapters.netfilter.watch import Changes

__all__ = [
    "Changes",
    "Listing",
    "Nft",
    "RoutingRules",
    "canonical",
    "difference",
    "lacking",
    "with_members",
]
