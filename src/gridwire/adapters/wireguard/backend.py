"""What every backend can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gridwire.core.actions import Action
from gridwire.core.observed import Known, Unknown
from gridwire.core.wireguard import MeshObserved


class Backend(Protocol):
    """``kind``: kernel, wireguard-go or memory. ``version``: what the program or module says of itself."""

    @property
    def kind(self) -> str: ...

    @property
    def version(self) -> str: ...

    def observe(self, interface: str) -> Known[MeshObserved | None] | Unknown:
        """The device as it is, Known(None) where there is none; changes nothing, raises nothing."""
        ...

    def apply(self, action: Action, *, private_key: Path, conf: str) -> None:
        """Do one action of ``core.mesh_actions``, all but KillSockets.

        ``private_key``: the 0600 file that SetKey hands to wg by its name. ``conf``: the peers of SyncPeers and
        RenewPeer as render.wireguard writes them, else empty. Raise Unavailable for what may
        come yet (the device, DNS), Conflict for a taken port or a foreign route, NotPermitted without
        CAP_NET_ADMIN.
        """
        ...

    def tend(self, interface: str) -> None:
        """What a device is better for and no spec says; to be called at every look at it. Raises nothing."""
        ...

    def start(self, interface: str) -> None:
        """Make the device where there is none; one that is there is adopted."""
        ...

    def stop(self, interface: str) -> None:
        """Remove the device; none is no error."""
        ...
