"""Following the tailnet's addresses: this node's own and its gateways', when somebody logs out and in again.

What is found is told to control first and saved then; a saved identity begins another agent (agent.run), which renders
everything anew.
"""

from __future__ import annotations

from collections.abc import Callable

from gridwire.adapters.clock import utc_now
from gridwire.adapters.control_api import ControlApi, calls
from gridwire.agent.state_dir import AgentState
from gridwire.core.enrollment import GatewayContact
from gridwire.core.errors import GridwireError
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.readdressing import has_moved, readdressed, with_gateways
from gridwire.core.tailnet import Member, MemberSeen
from gridwire.protocol.tailnet import AskIn

_PATIENCE = 3.0  # seconds for each gateway


class AddressFollower:
    """``own``: this node as it stands on the tailnet, none while it does not; ``members``: its peers. Both may raise
    GridwireError."""

    def __init__(
        self,
        identity: JoinedAs,
        state: AgentState,
        *,
        own: Callable[[], Member | None],
        members: Callable[[], tuple[MemberSeen, ...]],
        local_socket: str,
    ) -> None:
        self._identity = identity
        self._state = state
        self._own = own
        self._members = members
        self._local_socket = local_socket

    def follow(self) -> bool:
        """Whether the identity was saved anew. Raise GridwireError where control could not be told; ask again then."""
        own = self._own()
        if own is None:
            return False
        gateway = self._identity.role is Role.GATEWAY
        found = self._identity if gateway else with_gateways(self._identity, self._members(), utc_now())
        if has_moved(found, own):
            if gateway:
                self._tell_own_control(own)
            else:
                self._ask_in_again(found)
            found = readdressed(found, own)
        if found == self._identity:
            return False
        self._state.save_identity(found)
        return True

    def _tell_own_control(self, own: Member) -> None:
        with ControlApi(f"unix:{self._local_socket}", {"X-Gridwire-Node": self._identity.node}) as api:
            api.send(calls.moved(own))

    def _ask_in_again(self, found: JoinedAs) -> None:
        """The first gateway that answers; raise the last one's error."""
        credential = self._state.load_credential()
        failure: GridwireError | None = None
        for contact in found.gateways:
            try:
                with ControlApi(base_of(contact, found.enrol_port), {"Authorization": f"Bearer {credential}"}) as api:
                    api.send(calls.ask_in(AskIn(name=found.node, role=found.role), timeout=_PATIENCE))
            except GridwireError as error:
                failure = error
            else:
                return
        if failure is not None:
            raise failure


def base_of(contact: GatewayContact, port: int) -> str:
    address = contact.address
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
