"""Several programs running side by side in the foreground, and whether that is so on this host."""

from gridwire.adapters.process.foreground import foreground
from gridwire.adapters.process.supervisor import Supervisor
from gridwire.adapters.process.up import Child, UpSpec

__all__ = ["Child", "Supervisor", "UpSpec", "foreground"]
