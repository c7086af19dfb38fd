"""What this host's resolver says of a name, and whether the routes' wildcard record reaches those who ask here."""

from gridwire.adapters.resolver.lookup import Looked, look_up
from gridwire.adapters.resolver.own_address import own_address
from gridwire.adapters.resolver.wildcard import NameCheck, check_wildcard, judge

__all__ = ["Looked", "NameCheck", "check_wildcard", "judge", "look_up", "own_address"]
