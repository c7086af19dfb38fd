"""The host that `gridwire join` works on: what it needs, what is made, and what is taken down again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gridwire.adapters.accounts import directories, make_directories, make_user
from gridwire.adapters.control_api import Away, ControlApi, calls
from gridwire.adapters.wireguard import new_private_key, public_of, select
from gridwire.agent.guard import load_guard
from gridwire.agent.join import Host
from gridwire.agent.mesh import MeshTunnel
from gridwire.agent.state_dir import AgentState
from gridwire.cli import before_join, survey
from gridwire.cli.output import note
from gridwire.core import paths
from gridwire.core.enrollment import GatewayContact, Token
from gridwire.core.errors import GridwireError, Invalid, NotFinished, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.observed import Known
from gridwire.core.settings import Settings
from gridwire.core.spec import NodeSpec
from gridwire.core.targets import Reach
from gridwire.core.wireguard import PublicKey
from gridwire.protocol.enrolment import Confirmed

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap


def check_host(settings: Settings, role: Role) -> None:
    """Raise Unavailable for what is missing, with the package, before anything is changed."""
    proxy = role is Role.EDGE
    survey.check_programs(survey.missing_programs(proxy=proxy), proxy=proxy)
    select(settings.mesh.wireguard_go)
    if proxy:
        from gridwire.adapters.sockets import holders

        for one in holders("tcp", settings.network.ports.edge):
            note(f"TCP port {one.port} is held by {one.process or 'another process'} on {one.address}: free it")


@contextmanager
def prepared(settings: Settings, token: Token, *, anew: bool, say: Callable[[str], None]) -> Iterator[Host]:
    """Users, directories and a tunnel of join's own; one that ran before is adopted, and stays.

    Where the join raises before this host is a node, the host is put back as it was.
    """
    edge = token.role == Role.EDGE
    if edge:
        make_user(paths.NGINX_USER, home=settings.paths.state)
    make_directories(directories(settings.paths, gateway=False))
    backend = select(settings.mesh.wireguard_go)
    state = Path(settings.paths.agent_state)
    before = backend.observe(token.interface)
    adopted = isinstance(before, Known) and before.value is not None
    tunnel = MeshTunnel(backend, Path(settings.paths.run) / "join")
    stake = Stake()
    was = before_join.remember(state, datetime.now(UTC), anew=anew)
    joined = False
    try:
        yield Host(
            state=AgentState(state),
            tunnel=tunnel,
            call=lambda contact, patience: GatewayOfToken(contact, token, patience, stake),
            load_guard=load_guard,
            new_key=new_private_key,
            public_of=public_of,
            now=lambda: datetime.now(UTC),
            elapsed=time.monotonic,
            wait=time.sleep,
            say=say,
        )
        joined = True
        tunnel.remember(state)
    finally:
        # The kernel's device needs no process; wireguard-go would be a child of this command's.
        if not adopted and (not joined or backend.kind == "wireguard-go"):
            tunnel.down()
        if not joined and AgentState(state).load_identity() is None:
            was.put_back(token.prefix, key_taken=stake.key_taken, say=say)


def reach_kept(present: Settings, token: Token, *, anew: bool) -> tuple[Reach, ...]:
    """What of this host's reach list still holds; said where there is one.

    It is a consent to one grid: with --anew it is carried into the same one alone, as its gateways' keys tell.
    """
    if not present.reach:
        return ()
    listed = ", ".join(map(str, present.reach))
    if token.role != Role.EDGE:
        note(f"a node of role {token.role} publishes nothing; its reach list goes: {listed}")
        return ()
    if anew and not _of_same_grid(Path(present.paths.agent_state), token):
        note(f"the reach list was for another grid, and is empty for this one; it was: {listed}")
        return ()
    note(f"may be published, as before: {listed}")
    return present.reach


def _of_same_grid(state: Path, token: Token) -> bool:
    try:
        before = AgentState(state).load_identity()
    except Invalid:
        return False
    return before is not None and not {g.public_key for g in before.gateways}.isdisjoint(
        g.public_key for g in token.gateways
    )


def save_settings(settings: Settings, path: str) -> None:
    """A new file; in one that is there only what joining decides is changed."""

    def change(tree: CommentedMap) -> None:
        tree.setdefault("node", {})["name"] = str(settings.node.name)
        network = tree.setdefault("network", {})
        network["prefix"] = str(settings.network.prefix)
        network["interface"] = str(settings.network.interface)
        if settings.network.shared_address_space:
            network["shared_address_space"] = True
        tree.pop("endpoint", None)
        if not settings.hosts:
            tree["hosts"] = False
        if settings.mesh.wireguard_go is not None:
            tree.setdefault("mesh", {})["wireguard_go"] = settings.mesh.wireguard_go
        if not settings.reach:
            tree.pop("reach", None)

    write_settings(settings, path, change)


def write_settings(settings: Settings, path: str, change: Callable[[CommentedMap], None]) -> None:
    """A new file of ``settings``; in one that is there what ``change`` changes, and the reach list."""
    from gridwire.adapters.settings import add_reach, create, remove_reach, update

    if not Path(path).exists():
        create(settings, path)
        return
    kept = update(change, path).reach
    gone = tuple(rule for rule in kept if rule not in settings.reach)
    if gone:
        remove_reach(gone, path)
    if settings.reach:
        add_reach(settings.reach, path)


@dataclass(slots=True)
class Stake:
    """``key_taken``: whether a gateway has this host's new key, or may have it: it was asked, and no answer came."""

    key_taken: bool = False


class GatewayOfToken:
    """Control behind one gateway, through the tunnel; ``patience`` in seconds for each answer."""

    def __init__(self, contact: GatewayContact, token: Token, patience: float, stake: Stake) -> None:
        self._stake = stake
        self._contact = contact
        self._token = token
        self._patience = patience

    def redeem(self, key: PublicKey) -> object:
        before, self._stake.key_taken = self._stake.key_taken, True
        try:
            with ControlApi(self._base(self._token.enrol_port)) as api:
                return api.send(replace(calls.redeem(key), timeout=self._patience)).body
        except GridwireError as error:
            unsent = isinstance(error, Away) and not error.sent
            refused = not isinstance(error, Unavailable | NotFinished)
            self._stake.key_taken = before or not (unsent or refused)
            raise

    def confirm(self) -> Confirmed:
        """Ask on the enrol port; where it is closed, on the api port.

        Being confirmed closes the one to this node and opens the other: whoever lost that answer, or died before it
        was saved, is let in only there.
        """
        try:
            return self._confirm(self._token.enrol_port)
        except Away as error:
            if error.sent:
                raise
            return self._confirm(self._token.api_port)

    def _confirm(self, port: int) -> Confirmed:
        with ControlApi(self._base(port)) as api:
            return api.send(replace(calls.confirm(), timeout=self._patience)).body

    def spec(self, credential: str) -> NodeSpec:
        headers = {"Authorization": f"Bearer {credential}"}
        with ControlApi(self._base(self._token.api_port), headers=headers) as api:
            return api.send(replace(calls.spec(wait=0), timeout=self._patience)).body

    def _base(self, port: int) -> str:
        address = self._contact.address
        return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
