"""``gridwire join GATEWAY``: a node of the tailnet asks the gateway to let it in, with no token.

Who this host is says the tailnet; whether it may come says the gateway's operator, or a rule of theirs. Whatever was
saved before is used again, so a join that was lost half-way is finished by the next.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gridwire.cli import survey as surveys
from gridwire.cli.before_join import set_aside
from gridwire.cli.output import note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import settings_from
from gridwire.cli.tailnet import find_peer, this_node
from gridwire.core.errors import Conflict, GridwireError, Invalid, NotFinished, Unavailable
from gridwire.core.fleet import NodeState, Role
from gridwire.core.joined import JoinedAs, first_spec
from gridwire.core.names import NodeName, node_name
from gridwire.core.readdressing import is_of_gateway
from gridwire.core.settings import NodeSettings, PortSettings, Settings, parse_settings
from gridwire.core.tailnet import Member, Provider
from gridwire.core.targets import Reach
from gridwire.protocol.tailnet import AskIn, LetIn

PATIENCE = 30.0  # seconds: the gateway's agent hears of a new peer when the tailnet tells it
_TRY, _PAUSE = 8.0, 0.5


def join_on_tailnet(
    gateway: str,
    *,
    name: str | None,
    role: str,
    rules: tuple[Reach, ...],
    no_hosts: bool,
    enrol_port: int | None,
    socket: str,
    anew: bool,
    output: str,
    file: str,
) -> None:
    """Raise GridwireError; nothing of this host is changed before the gateway has answered."""
    require_root("join")
    present = settings_from(file) if Path(file).exists() else None
    wanted = _wanted(rules, no_hosts, socket, present, anew=anew)
    if enrol_port is not None:
        wanted = replace(wanted, network=replace(wanted.network, ports=replace(wanted.network.ports, enrol=enrol_port)))
    if rules and role != Role.EDGE:
        raise Invalid("--reach", f"a node of role {role} publishes nothing", fix="leave --reach out")
    missing = surveys.missing_programs(proxy=role == Role.EDGE, wireguard=False)
    surveys.check_programs(missing, proxy=role == Role.EDGE)
    own = this_node(wanted)
    contact = find_peer(wanted, gateway)
    credential = None if anew else _credential_for(wanted, contact)
    wanted = replace(wanted, node=NodeSettings(name=node_name(name or own.name.partition(".")[0], "--name")))
    began = time.monotonic()
    answer = _ask(wanted, contact, Role(role), credential)
    identity = _settled(wanted, answer, own, contact, no_hosts)
    _save(wanted, identity, answer, anew=anew, file=file)
    seconds = round(time.monotonic() - began, 3)
    told = {
        "node": identity.node,
        "role": identity.role,
        "address": str(identity.address),
        "state": answer.state,
        "tailnet": own.name,
        "owner": own.owner(),
        "gateway": contact.name,
        "seconds": seconds,
    }
    line = f"{identity.node} ({identity.role}) joined as {identity.address}, {own.owner()} on the tailnet"
    show(told, output, lambda: say(f"{line}, in {seconds:.1f} s"))
    if answer.state is NodeState.PENDING:
        note(f"it waits for a yes, and gets nothing until then: on the gateway, gridwire node approve {identity.node}")
    if identity.role is Role.EDGE and not wanted.reach:
        note("nothing of this host may be published yet:  gridwire reach add 127.0.0.1:PORT")


def _wanted(rules: tuple[Reach, ...], no_hosts: bool, socket: str, present: Settings | None, *, anew: bool) -> Settings:
    """A reach list is a consent to one grid: with ``anew`` it begins anew."""
    if present is not None:
        if present.mesh.provider is not Provider.TAILSCALE:
            raise Conflict(
                f"this host's settings are of the node {present.node.name} of a grid that is on no tailnet",
                fix="move the settings file away to join another grid",
            )
        return replace(present, reach=tuple(dict.fromkeys((*(() if anew else present.reach), *rules))))
    tree = {"node": {"name": "unnamed"}, "mesh": {"provider": "tailscale", "socket": socket}}
    return replace(parse_settings(tree), reach=rules, hosts=not no_hosts)


def _credential_for(wanted: Settings, gateway: Member) -> str | None:
    """This host's own, where it is of that gateway's grid; raise Conflict where it is of another's."""
    from gridwire.agent.state_dir import AgentState

    state = AgentState(wanted.paths.agent_state)
    known = state.load_identity()
    if known is None:
        return None
    if known.role is Role.GATEWAY:
        raise Conflict(f"this host is the gateway {known.node}", fix="join from another host")
    if not any(g.tailnet is not None and is_of_gateway(g.tailnet, gateway) for g in known.gateways):
        raise Conflict(
            f"this host is the node {known.node} already, of a grid that {gateway.name} is no gateway of",
            fix="`gridwire join --anew` sets its identity aside and joins as another",
        )
    return state.load_credential()


def _ask(wanted: Settings, gateway: Member, role: Role, credential: str | None) -> LetIn:
    from gridwire.adapters.control_api import ControlApi, calls

    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    port = wanted.network.ports.enrol
    until = time.monotonic() + PATIENCE
    failure: GridwireError
    while True:
        try:
            with ControlApi(f"http://{gateway.addresses[0]}:{port}", headers=headers) as api:
                return api.send(calls.ask_in(AskIn(name=wanted.node.name, role=role), timeout=_TRY)).body
        except (NotFinished, Unavailable) as error:
            failure = error
        if time.monotonic() >= until:
            raise _unanswered(gateway, port, failure)
        time.sleep(_PAUSE)


def _unanswered(gateway: Member, port: int, failure: GridwireError) -> GridwireError:
    if isinstance(failure, NotFinished):
        fix = f"is `gridwire agent` running on {gateway.name}? `gridwire status` there says"
        return NotFinished(failure.what, fix=fix)
    return Unavailable(
        f"{gateway.name} does not answer on TCP port {port}: {failure.what}",
        fix="is it a gateway of gridwire's, and running? Tailscale's access rules must let this host reach that port;"
        " a node that was put out gets no answer",
        code="no-gateway",
    )


def _settled(wanted: Settings, answer: LetIn, own: Member, contact: Member, no_hosts: bool) -> JoinedAs:
    """What this host is from now on; raise Conflict where the answer is not of the tailnet that this host sees."""
    if answer.tailnet.id != own.id or answer.tailnet.addresses != own.addresses:
        raise Conflict(
            f"{contact.name} takes this host for {answer.tailnet.name}, which it is not",
            fix="run `gridwire join` again",
        )
    if contact.id not in {gateway.tailnet.id for gateway in answer.gateways if gateway.tailnet is not None}:
        raise Conflict(f"{contact.name} answered, and is no gateway of its grid", fix="give the gateway's name")
    network = answer.network
    return JoinedAs(
        node=NodeName(answer.node),
        role=answer.role,
        address=own.addresses[0],
        prefix=network.prefix,
        interface=wanted.network.interface,
        suffix=network.suffix,
        gateways=answer.gateways,
        api_port=network.api_port,
        enrol_port=network.enrol_port,
        routes_port=network.routes_port,
        edge_port=network.edge_port,
        mtu=network.mtu,
        no_hosts=no_hosts or not wanted.hosts,
        provider=network.provider,
        tailnet=own,
    )


def _save(wanted: Settings, identity: JoinedAs, answer: LetIn, *, anew: bool, file: str) -> None:
    from gridwire.adapters.accounts import directories, make_directories, make_user
    from gridwire.agent.guard import load_guard
    from gridwire.agent.state_dir import AgentState
    from gridwire.cli.newcomer import write_settings
    from gridwire.core import paths

    if identity.role is Role.EDGE:
        make_user(paths.NGINX_USER, home=wanted.paths.state)
    make_directories(directories(wanted.paths, gateway=False))
    path = Path(wanted.paths.agent_state)
    if anew:
        set_aside(path, datetime.now(UTC))
    state = AgentState(path)
    if state.load_spec().spec is None or state.load_identity() != identity:
        load_guard(first_spec(identity))
    if answer.credential is not None:
        state.save_credential(answer.credential)
    state.save_identity(identity)  # last: it says that all the rest is there
    network = answer.network
    ports = PortSettings(api=network.api_port, enrol=network.enrol_port)
    settled = replace(wanted, node=NodeSettings(name=identity.node), network=replace(wanted.network, ports=ports))
    write_settings(settled, file, lambda tree: tree.setdefault("node", {}).update(name=str(identity.node)))
