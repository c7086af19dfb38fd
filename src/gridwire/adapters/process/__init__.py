"""Other programs: run one to its end, or keep several running side by side in the foreground."""

from gridwire.adapters.process.foreground import foreground
from gridwire.adapters.process.programs import Completed, run
from gridwire.adapters.process.supervisor import Supervisor
from gridwire.adapters.process.up import Child, UpSpec

__all__ = ["Child", "Completed", "Supervisor", "UpSpec", "foreground", "run"]
