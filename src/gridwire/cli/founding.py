"""What `gridwire init` does, step by step. Each step may be repeated; the settings file comes last and says "done"."""

from __future__ import annotations

from gridwire.adapters.accounts import directories, make_directories, make_user
from gridwire.adapters.settings import create
from gridwire.adapters.wireguard import new_private_key, public_of
from gridwire.agent.state_dir import AgentState
from gridwire.control.wiring import bootstrap
from gridwire.core import paths
from gridwire.core.errors import Invalid
from gridwire.core.joined import JoinedAs
from gridwire.core.settings import Settings
from gridwire.core.spec import NodeSpec
from gridwire.core.tailnet import Member


def found(settings: Settings, settings_file: str, tailnet: Member | None = None) -> None:
    """Users, directories, key, fleet, identity, first spec, settings file.

    ``tailnet``: who this host is on the tailnet that is the mesh. The spec is saved before control ever ran, so that
    the guard can be loaded by itself. Raise GridwireError; run again to go on from there.
    """
    for user in (paths.CONTROL_USER, paths.NGINX_USER):
        make_user(user, home=settings.paths.state)
    make_directories(directories(settings.paths, gateway=True))
    state = AgentState(settings.paths.agent_state)
    if tailnet is None:
        spec = _with_key(settings, state)
    else:
        spec = bootstrap(settings.database, settings.fleet_network(), settings.node.name, None, None, tailnet=tailnet)
    state.save_identity(identity_of(spec, settings, tailnet))
    state.save_spec(spec)
    create(settings, settings_file)


def _with_key(settings: Settings, state: AgentState) -> NodeSpec:
    private = state.load_key()
    if private is None:
        private = new_private_key()
        state.save_key(private)
    if settings.endpoint is None:
        raise Invalid("endpoint", "a gateway needs one", fix="give --endpoint")
    return bootstrap(
        settings.database,
        settings.fleet_network(),
        settings.node.name,
        public_of(private),
        settings.endpoint,
    )


def identity_of(spec: NodeSpec, settings: Settings, tailnet: Member | None = None) -> JoinedAs:
    network = settings.fleet_network()
    return JoinedAs(
        node=spec.node,
        role=spec.role,
        address=spec.mesh.address,
        prefix=spec.mesh.prefix,
        interface=spec.mesh.interface,
        suffix=spec.names.suffix,
        api_port=network.api_port,
        enrol_port=network.enrol_port,
        routes_port=network.routes_port,
        edge_port=network.edge_port,
        tls_port=network.tls_port,
        panel_port=network.panel_port,
        mtu=network.mtu,
        no_hosts=not settings.hosts,
        provider=settings.mesh.provider,
        tailnet=tailnet,
    )
