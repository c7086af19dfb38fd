"""Other firewalls of this host that would drop WireGuard's port or the mesh, and the commands that open them.

An accept in gridwire's table does not override a drop in another one, so their owners must be asked. Nothing is
changed but by ``run``, which is called on an operator's yes.
"""

from gridwire.adapters.firewalls.find import closed_inputs, find, run
from gridwire.adapters.firewalls.obstacle import Needs, Obstacle
from gridwire.adapters.firewalls.opened import close, opened, remember_opened, undoing

__all__ = ["Needs", "Obstacle", "close", "closed_inputs", "find", "opened", "remember_opened", "run", "undoing"]
