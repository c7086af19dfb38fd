"""``gridwire invite``: a one-time right to become one named node."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import device, grid, words
from gridwire.cli.outcome import UNHEALTHY
from gridwire.cli.output import Format, note, say, show
from gridwire.cli.route import derived_name
from gridwire.cli.settings import DEFAULT, SettingsFile
from gridwire.core.addressing import Address
from gridwire.core.enrollment import LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS, Token, encode_token
from gridwire.core.errors import Invalid, NotFound
from gridwire.core.fleet import Network, NodeState, Role, Route, Service, Tag, parse_selector
from gridwire.core.health import parse_health
from gridwire.core.names import NodeName, host_pattern, interface_name, node_name, service_name
from gridwire.core.targets import parse_reach, parse_target
from gridwire.protocol.api import Device, Invite, Invited, NodeView, Progress, RouteOutcome, ServiceOutcome

app = App(name="invite", default_parameter=Parameter(negative=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What `-o json` gives: ``token`` is a secret, and ``command`` is for the other side."""

    node: NodeName
    role: Role
    address: Address
    expires: datetime
    token: str
    command: str
    replaces: NodeName | None = None


@app.default
def invite(
    name: str,
    /,
    *,
    role: Literal["edge", "operator", "client"] = "edge",
    tag: tuple[str, ...] = (),
    ttl: str | None = None,
    approve: bool = False,
    replace: bool = False,
    reach: tuple[str, ...] = (),
    qr: bool = False,
    config: Annotated[str | None, Parameter(name="--config")] = None,
    wait: bool = False,
    publish: str | None = None,
    allow: tuple[str, ...] = (),
    cancel: bool = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int | None:
    """Print a token for `gridwire join`; or, with --config or --qr, a WireGuard configuration for a device's app.

    Parameters
    ----------
    name
        What the node will be called.
    role
        edge runs services, client and operator only use routes.
    tag
        key=value; services and routes select nodes by it. May be repeated.
    ttl
        How long the token is good: 30m, 2d; 1h where it is not said.
    approve
        The node waits for `gridwire node approve` after joining.
    replace
        The node takes over name, tags and services of the one that is called so now, which is then revoked.
    reach
        Put into the command for the other side: what that edge lets be published. May be repeated.
    qr
        For an operator or client: the device's WireGuard configuration as a QR code. Else the token.
    config
        For an operator or client: write the device's WireGuard configuration into this new file.
    wait
        Stay and show how far the other side has come; alone, also for an invitation that is out already.
    publish
        Stay until the edge has joined, then publish this of it, with a route of that name: api=127.0.0.1:9000.
    allow
        With --publish: who may use that route: role:client, node:phone. May be repeated. Nobody, if left out.
    cancel
        Take the invitation of that name back, which nobody has redeemed yet.
    """
    node = node_name(name)
    tags = grid.tags(tag)
    rules = tuple(str(parse_reach(text, "reach")) for text in reach)
    seconds = _lifetime(ttl)
    chosen = Role(role)
    published = _published(publish, allow, node, chosen, settings)
    if published and (approve or cancel):
        raise Invalid(
            "publish", "it waits until the node is in", fix="leave --approve and --cancel out, or publish later"
        )
    if cancel:
        if tags or rules or ttl or approve or replace or qr or config is not None or wait:
            raise Invalid("cancel", "it takes an invitation back, and makes none", fix="give the name alone")
        _cancel(node, output, settings)
        return None
    if rules and chosen is not Role.EDGE:
        raise Invalid("reach", f"a node of role {chosen} publishes nothing", fix="leave --reach out")
    if config is not None or (qr and chosen is not Role.EDGE):
        if chosen is Role.EDGE:
            raise Invalid("config", "an edge runs gridwire itself", fix="leave --config out, and run `gridwire join`")
        if approve or replace or wait:
            raise Invalid(
                "config", "a device's app cannot wait or replace", fix="leave --approve, --replace, --wait out"
            )
        if ttl is not None:
            raise Invalid(
                "ttl", "a device's configuration does not expire", fix="leave --ttl out; `gridwire node revoke` ends it"
            )
        _device(node, chosen, tags, config, qr, output, settings)
        return None
    if wait and not (tags or rules or ttl or approve or replace or qr) and _is_out(node, settings):
        note(f"{node} is invited already, and its token was shown once; waiting for it")
        return _wait(node, settings)
    printed = _invitation(node, chosen, tags, seconds, approve, replace, rules, settings)
    show(printed, output, lambda: _say(printed, qr))
    if not wait and published is None:
        return None
    code = _wait(printed.node, settings)
    if code is None and published is not None:
        _publish(*published, settings)
    return code


def _published(
    publish: str | None, allow: tuple[str, ...], node: NodeName, role: Role, settings: str
) -> tuple[Service, Route] | None:
    """What --publish asks for, judged before anybody is invited; raise Invalid."""
    if publish is None:
        if allow:
            raise Invalid("allow", "it goes with --publish", fix="give --publish NAME=TARGET, too")
        return None
    if role is not Role.EDGE:
        raise Invalid("publish", f"a node of role {role} publishes nothing", fix="leave --publish out")
    name, _, target = publish.partition("=")
    service = Service(
        name=service_name(name, "publish"),
        target=parse_target(target, "publish"),
        on=(parse_selector(f"node:{node}", "publish"),),
        health=parse_health("tcp", "publish"),
    )
    host = host_pattern(name)
    route = Route(
        name=derived_name(host, "/"),
        host=host,
        path="/",
        to=service.name,
        allow=grid.selectors(allow, "allow", settings),
    )
    return service, route


def _publish(service: Service, route: Route, settings: str) -> None:
    grid.put(f"/services/{service.name}", service, ServiceOutcome, settings)
    outcome = grid.put(f"/routes/{route.name}", route, RouteOutcome, settings)
    note(f"{outcome.url} → {service.target} of this node, for {words.listed(route.allow)}")


def _lifetime(ttl: str | None) -> int:
    """In seconds; raise Invalid."""
    if ttl is None:
        return LIFETIME_SECONDS
    seconds = words.seconds_of(ttl, "ttl")
    if seconds > LONGEST_LIFETIME_SECONDS:
        raise Invalid("ttl", f"{ttl} is longer than 30 days", fix="invite again when it is needed")
    return seconds


def _is_out(name: NodeName, settings: str) -> bool:
    try:
        return grid.get(f"/invitations/{name}", Progress, settings).state is NodeState.INVITED
    except NotFound:
        return False


def _cancel(name: NodeName, output: str, settings: str) -> None:
    node = grid.get(f"/invitations/{name}", Progress, settings).node
    grid.delete(f"/invitations/{name}", settings)
    show(
        {"cancelled": node},
        output,
        lambda: say(f"the invitation of {node} is cancelled: its token is no good any more"),
    )


def _invitation(
    node: NodeName,
    role: Role,
    tags: tuple[Tag, ...],
    seconds: int,
    approve: bool,
    replace: bool,
    rules: tuple[str, ...],
    settings: str,
) -> Printed:
    from gridwire.adapters.wireguard import keys

    private = keys.new_private_key()
    asked = Invite(
        name=node,
        ephemeral_key=keys.public_of(private),
        role=role,
        tags=tags,
        ttl_seconds=seconds,
        needs_approval=True if approve else None,
        replace=replace,
    )
    invited = grid.post("/invitations", asked, Invited, settings)
    options = "".join(f" --reach {rule}" for rule in rules)
    return Printed(
        node=invited.node.name,
        role=role,
        address=invited.node.address,
        expires=invited.expires,
        token=encode_token(token_of(invited, private)),
        command=f"gridwire join{options}",
        replaces=invited.node.replaces,
    )


def token_of(invited: Invited, private_key: str) -> Token:
    network = invited.network
    return Token(
        node=invited.node.name,
        role=str(invited.node.role),
        address=invited.node.address,
        prefix=network.prefix,
        interface=interface_name(network.interface),
        suffix=network.suffix,
        enrol_port=network.enrol_port,
        api_port=network.api_port,
        routes_port=network.routes_port,
        edge_port=network.edge_port,
        mtu=network.mtu,
        expires=invited.expires,
        ephemeral_private_key=private_key,
        gateways=invited.gateways,
    )


def _say(printed: Printed, qr: bool) -> None:
    if printed.replaces is not None:
        note(
            f"{printed.node} takes over name, tags and services of {printed.replaces} when it joins; "
            f"the old {printed.replaces} is revoked at that moment"
        )
    left = words.lasting(printed.expires - datetime.now(UTC))
    note(f"{printed.node} ({printed.role}, {printed.address}) is invited for {left}. The token is shown once:")
    say(printed.token)
    if qr:
        device.print_qr(printed.token)
    note(f"on the other side, as root:  {printed.command}\n  and paste the token when it asks")


def _device(
    node: NodeName, role: Role, tags: tuple[Tag, ...], config: str | None, qr: bool, output: str, settings: str
) -> None:
    from gridwire.adapters.wireguard import keys

    if config is not None:
        device.check_new_file(config)
    network = grid.get("/network", Network, settings)
    gateways = device.callable_gateways(grid.listing("/nodes", NodeView, settings))
    private = keys.new_private_key()
    wanted = Device(name=node, role=role, public_key=keys.public_of(private), tags=tags)
    view = grid.post("/devices", wanted, NodeView, settings)
    text = device.configuration(view.node, private, network, gateways)
    note(f"{node} ({role}, {view.node.address}) is on the mesh. Its key is shown once.")
    if config is not None:
        device.save_secret(config, text)
        note(f"import {config} into the device's WireGuard app, then delete the file")
    if output != "table":
        show({"node": node, "role": role, "address": view.node.address, "config": text}, output, lambda: None)
    elif qr:
        device.print_qr(text)
        note("scan it in the WireGuard app: Add tunnel, Create from QR code")
    _say_names(network, gateways[0].address)


def _say_names(network: Network, address: Address) -> None:
    from gridwire.adapters.resolver import check_wildcard

    if "." not in network.suffix:
        note(
            f"route names end in .{network.suffix}, which only nodes with an agent know\n"
            f"  for a device, make a DNS record api.example.com A {address} and a route of that name: "
            "gridwire route add --host api.example.com …"
        )
        return
    check = check_wildcard(network.suffix, address)
    note(f"{check.what}{' ✓' if check.ok else ''}" + (f"\n  {check.fix}" if check.fix else ""))


def _progress(progress: Progress) -> str:
    """Without the number of all packets: it grows with the nodes' traffic, and would be a line each time."""
    begun = f"{progress.handshakes_begun} handshake{'' if progress.handshakes_begun == 1 else 's'} begun"
    how = "handshake done" if progress.handshake else f"{begun} by newcomers, none done"
    why = f". {progress.likely_cause}" if progress.likely_cause else ""
    return f"{progress.node}: {progress.state}, {how}{why}"


def _wait(node: NodeName, settings: str) -> int | None:
    """Poll until the node is in, or cannot get in any more."""
    said = ""
    while True:
        progress = grid.get(f"/invitations/{node}", Progress, settings)
        line = _progress(progress)
        if line != said:
            note(line)
            said = line
        if progress.state is NodeState.ACTIVE:
            return None
        if progress.state in (NodeState.PENDING, NodeState.QUARANTINED, NodeState.REVOKED, NodeState.REVOKING):
            return UNHEALTHY
        if progress.expires <= datetime.now(UTC):
            note(f"the invitation for {node} has expired")
            return UNHEALTHY
        time.sleep(0.5)
