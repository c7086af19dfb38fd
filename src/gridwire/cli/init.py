"""``gridwire init``: this host becomes the gateway of a new grid."""

from __future__ import annotations

import platform
import re
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import firewalls
from gridwire.cli import survey as surveys
from gridwire.cli.outcome import DONE, FAILED
from gridwire.cli.output import Format, Yes, confirmed, note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.addressing import mesh_prefix
from gridwire.core.errors import Conflict, Invalid
from gridwire.core.names import node_name
from gridwire.core.settings import (
    MeshSettings,
    NetworkSettings,
    NodeSettings,
    Settings,
    parse_domain,
    parse_endpoint,
    parse_settings,
)
from gridwire.core.tailnet import SOCKET

if TYPE_CHECKING:
    from gridwire.adapters.firewalls import Obstacle
    from gridwire.cli.survey import Survey

app = App(name="init", default_parameter=Parameter(negative=()))


@app.default
def init(
    name: Annotated[str | None, Parameter(help="What this gateway is called; the host's name if left out.")] = None,
    /,
    *,
    endpoint: Annotated[
        str | None, Parameter(help="Where nodes call this host: host[:port], a name for choice.")
    ] = None,
    prefix: Annotated[str, Parameter(help="The mesh's addresses.")] = "10.85.0.0/16",
    shared_address_space: Annotated[bool, Parameter(help="Allow a prefix in 100.64.0.0/10.")] = False,
    domain: Annotated[
        str | None, Parameter(help="A domain of yours: routes become NAME.DOMAIN, not NAME.grid.")
    ] = None,
    wireguard_go: Annotated[str | None, Parameter(help="The wireguard-go to take, as an absolute path.")] = None,
    mesh: Annotated[
        Literal["wireguard", "tailscale"], Parameter(help="Make a mesh, or use the tailnet.")
    ] = "wireguard",
    approve: Annotated[
        tuple[str, ...], Parameter(help="On a tailnet: whose nodes join without a yes: tag:edge. May be repeated.")
    ] = (),
    socket: Annotated[str, Parameter(help="On a tailnet: tailscaled's socket.")] = SOCKET,
    yes: Yes = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> int:
    """Find out what this host is like, show what will be done, ask once, and do it."""
    if mesh == "tailscale":
        if endpoint is not None or wireguard_go is not None:
            raise Invalid("--mesh", "a tailnet needs neither endpoint nor wireguard-go", fix="leave them out")
        from gridwire.cli.init_tailnet import init_on_tailnet

        wanted = _on_tailnet(name, domain, approve, socket)
        return init_on_tailnet(wanted, yes=yes, output=output, file=settings)
    if approve:
        raise Invalid("--approve", "only nodes of a tailnet join without an invitation", fix="give --mesh tailscale")
    wanted = _wanted(name, endpoint, prefix, shared_address_space, domain, wireguard_go)
    require_root("make a gateway")
    if Path(settings).exists():
        return _again(
            wanted,
            settings_from(settings),
            endpoint_given=endpoint is not None,
            name_given=name is not None,
            yes=yes,
            file=settings,
            output=output,
        )
    seen = surveys.survey(wanted)
    obstacles = firewalls.in_the_way(
        seen.settings.network.interface, int((seen.settings.endpoint or ":0").rpartition(":")[2])
    )
    beside = sys.stdout if output == "table" else sys.stderr
    with redirect_stdout(beside):
        _screen(seen, obstacles)
    surveys.check_programs(seen.missing, proxy=True)
    surveys.check_wireguard(seen.settings)
    if seen.clashes:
        first = seen.clashes[0]
        raise Conflict(f"{seen.settings.network.prefix} clashes with {first.with_what}", fix=first.fix)
    if not confirmed("Go ahead?", yes=yes, otherwise="give --yes"):
        note("nothing was changed")
        return FAILED
    from gridwire.cli.founding import found  # here: it brings the database with it, a second of imports

    found(seen.settings, settings)
    with redirect_stdout(beside):
        firewalls.open_up(obstacles)
    show(_told(seen, obstacles), output, lambda: _say_next(seen.settings.node.name))
    return DONE


def _wanted(
    name: str | None,
    endpoint: str | None,
    prefix: str,
    shared: bool,
    domain: str | None,
    wireguard_go: str | None,
) -> Settings:
    """Every value judged, before the host is looked at."""
    return Settings(
        node=NodeSettings(name=node_name(name if name is not None else _host_name(), "name")),
        network=NetworkSettings(
            prefix=mesh_prefix(prefix, shared_on_request=shared, field="--prefix"), shared_address_space=shared
        ),
        endpoint=parse_endpoint(endpoint if endpoint is not None else surveys.default_endpoint(), "--endpoint"),
        domain=None if domain is None else parse_domain(domain, "--domain"),
        mesh=MeshSettings(wireguard_go=None if wireguard_go is None else surveys.wireguard_go(wireguard_go)),
    )


def _on_tailnet(name: str | None, domain: str | None, approve: tuple[str, ...], socket: str) -> Settings:
    """As a settings file would say it, so that it is judged as one."""
    tree: dict[str, object] = {
        "node": {"name": str(node_name(name if name is not None else _host_name(), "name"))},
        "domain": domain,
        "mesh": {"provider": "tailscale", "socket": socket, "approve": list(approve)},
    }
    return parse_settings(tree)


def _host_name() -> str:
    name = re.sub(r"[^a-z0-9-]+", "-", platform.node().partition(".")[0].lower()).strip("-")[:63]
    return name or "gateway"


def _again(
    wanted: Settings, present: Settings, *, endpoint_given: bool, name_given: bool, yes: bool, file: str, output: str
) -> int:
    """A second init changes nothing; raise Conflict, unless nothing else was asked for and ``--yes`` given."""
    same = replace(
        wanted,
        node=wanted.node if name_given else present.node,
        endpoint=wanted.endpoint if endpoint_given else present.endpoint,
        network=replace(wanted.network, ports=present.network.ports, interface=present.network.interface),
        reach=present.reach,
        hosts=present.hosts,
        paths=present.paths,
        database_url=present.database_url,
        tls=present.tls,
        mesh=present.mesh if wanted.mesh == MeshSettings() else wanted.mesh,
    )
    place = f"{present.network.prefix}, {present.endpoint or 'no endpoint'}"
    what = f"this host is the node {present.node.name} already ({place})"
    if same == present and yes:
        told = {"node": present.node.name, "changed": False}
        show(told, output, lambda: note(f"{what}; nothing was changed"))
        return DONE
    raise Conflict(what, fix=f"change {file} and restart gridwire here, or start over on a fresh host")


def _screen(seen: Survey, obstacles: tuple[Obstacle, ...]) -> None:
    """Print what was found, and what would be done about it."""
    settings = seen.settings
    _row("Endpoint", seen.endpoint_says)
    if seen.clashes:
        for clash in seen.clashes:
            _row("Mesh", f"{settings.network.prefix} clashes with {clash.with_what}")
    else:
        _row("Mesh", f"{settings.network.prefix}, this host {seen.address}, no clash ✓")
    if settings.domain is None:
        _row("Route names", "*.grid, known to nodes with an agent   (--domain gives names that phones resolve too)")
    elif seen.names is not None:
        _row("Route names", seen.names.what + (" ✓" if seen.names.ok else f"   {seen.names.fix}"))
    _row("Firewall", firewalls.summary(obstacles))
    firewalls.print_commands(obstacles)
    if seen.held:
        ports = ", ".join(str(port) for _, port, _, _ in seen.held)
        who = ", ".join(dict.fromkeys(holder for _, _, holder, _ in seen.held))
        _row("Ports", f"{ports} held by {who}; using {', '.join(str(free) for *_, free in seen.held)}")
    else:
        used = settings.network.ports
        _row(
            "Ports", f"{used.routes}, {used.tls}, {used.api}, {used.enrol}, {used.panel} on the mesh address are free ✓"
        )
    for program, package in seen.missing:
        _row("Missing", f"{program}: apt install {package}")


def _told(seen: Survey, obstacles: tuple[Obstacle, ...]) -> dict[str, object]:
    """For a machine: what was made, and what was found on the way."""
    chosen = seen.settings
    return {
        "node": chosen.node.name,
        "changed": True,
        "address": seen.address,
        "prefix": chosen.network.prefix,
        "endpoint": chosen.endpoint,
        "endpoint_leads_here": seen.endpoint_ok,
        "suffix": chosen.suffix,
        "names": seen.names,
        "ports": chosen.network.ports,
        "held": [{"port": port, "by": who, "instead": free} for _, port, who, free in seen.held],
        "firewalls": [{"firewall": one.firewall, "drops": one.drops} for one in obstacles],
    }


def _say_next(name: str) -> None:
    say(f"{name} is the gateway of a new grid. Run it:  gridwire install   (or here: gridwire up)")
    _row("Next  1", "put a device on the mesh:  gridwire invite laptop --role operator --qr")
    _row("      2", "publish something:         gridwire service publish …")


def _row(title: str, text: str) -> None:
    say(f"{title:<12} {text}")
