"""Several programs running side by side in the foreground, and whether that is so on this host."""

from gridwire.adapters.process.foreground import foreground
from gridwire.adapters.process.supervisor import Supervisor
from gridwire.adapters.process.up import CHILDREN, Child, UpSpec, become_supervisor, from_text

__all__ = [
    "CHILDREN",
    "Child",
    "Supervisor",
    "UpSpec",
    "become_supervisor",
    "foreground",
    "from_text",
]
