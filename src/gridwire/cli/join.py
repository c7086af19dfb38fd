"""``gridwire join``: this host becomes the node that an invitation names."""

from __future__ import annotations

import sys
import termios
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gridwire.cli import firewalls
from gridwire.cli import survey as surveys
from gridwire.cli.output import Format, Yes, confirmed, interactive, note, say, show
from gridwire.cli.root import require_root
from gridwire.cli.settings import DEFAULT, SettingsFile, settings_from
from gridwire.core.addressing import clashes
from gridwire.core.enrollment import Token, decode_token
from gridwire.core.errors import Conflict, Invalid, Unavailable
from gridwire.core.fleet import NodeState, Role
from gridwire.core.settings import MeshSettings, NetworkSettings, NodeSettings, PortSettings, Settings
from gridwire.core.tailnet import SOCKET
from gridwire.core.targets import Reach, check_not_mesh, parse_reach

app = App(name="join", default_parameter=Parameter(negative=()))
_LONGEST = 65_536


@app.default
def join(
    gateway: Annotated[
        str | None, Parameter(help="On a tailnet: the gateway's name there; then there is no token.")
    ] = None,
    /,
    *,
    name: Annotated[str | None, Parameter(help="On a tailnet: this node's name; else its name there.")] = None,
    role: Annotated[
        Literal["edge", "client", "operator"], Parameter(help="On a tailnet: what this node would be.")
    ] = "edge",
    enrol_port: Annotated[
        int | None, Parameter(help="On a tailnet: the gateway's port for newcomers, where it is not 2087.")
    ] = None,
    socket: Annotated[str, Parameter(help="On a tailnet: tailscaled's socket.")] = SOCKET,
    token_file: Annotated[str | None, Parameter(help="Read the token from this file.")] = None,
    reach: Annotated[
        tuple[str, ...], Parameter(help="What this edge lets be published: 127.0.0.1:9000. May be repeated.")
    ] = (),
    no_hosts: Annotated[bool, Parameter(help="Leave /etc/hosts alone.")] = False,
    wireguard_go: Annotated[str | None, Parameter(help="The wireguard-go to take, as an absolute path.")] = None,
    anew: Annotated[bool, Parameter(help="Set aside what this host was in a grid before.")] = False,
    start: Annotated[bool, Parameter(name="--up", help="Then run in the foreground, as `gridwire up` does.")] = False,
    yes: Yes = False,
    output: Format = "table",
    settings: SettingsFile = DEFAULT,
) -> None:
    """Join with a token, read from stdin, a file or a prompt: never from the command line, where all can see it.

    A node of a tailnet joins with the gateway's name there, and no token: gridwire join GATEWAY.
    """
    if gateway is not None and gateway.startswith("gw1_"):
        raise Invalid(
            "token",
            "a token is not given on the command line: every user of this host could read it there, and the "
            "shell's history keeps it",
            fix="run `gridwire join` and paste it, or: gridwire join --token-file FILE. If it was printed already, "
            "invite again",
        )
    rules = tuple(dict.fromkeys(parse_reach(text, "--reach") for text in reach))
    if wireguard_go is not None:
        surveys.wireguard_go(wireguard_go)
    if gateway is not None:
        from gridwire.cli.join_tailnet import join_on_tailnet

        join_on_tailnet(
            gateway,
            name=name,
            role=role,
            rules=rules,
            no_hosts=no_hosts,
            enrol_port=enrol_port,
            socket=socket,
            anew=anew,
            output=output,
            file=settings,
        )
        _run(start, settings)
        return
    invitation = decode_token(_read_token(token_file))
    check_not_mesh(rules, invitation.prefix, "--reach")
    _join(invitation, rules, no_hosts, wireguard_go, anew, output, settings)
    _firewalls(invitation, yes=yes)
    _run(start, settings)


def _run(start: bool, settings: str) -> None:
    if start:
        from gridwire.cli.up import run_siblings

        run_siblings(settings)
    else:
        note("run it:  gridwire install   (or here: gridwire up)")


def _join(
    token: Token,
    rules: tuple[Reach, ...],
    no_hosts: bool,
    wireguard_go: str | None,
    anew: bool,
    output: Format,
    settings: str,
) -> None:
    from gridwire.agent.join import Join, check_token
    from gridwire.cli import newcomer

    check_token(token, datetime.now(UTC))
    if rules and token.role != Role.EDGE:
        raise Invalid("--reach", f"a node of role {token.role} publishes nothing", fix="leave --reach out")
    wanted = _settings(token, rules, no_hosts, wireguard_go)
    present = settings_from(settings) if Path(settings).exists() else None
    if present is not None:
        if present.endpoint is not None and not anew:
            raise Conflict(f"this host is the gateway {present.node.name}", fix="join from another host")
        wanted = _over(present, wanted, newcomer.reach_kept(present, token, anew=anew))
    require_root("join")
    newcomer.check_host(wanted, Role(token.role))
    _check_prefix(token)
    began = datetime.now(UTC)
    try:
        with newcomer.prepared(wanted, token, anew=anew, say=note) as host:
            joined = Join(token, host, no_hosts=no_hosts).run()
    except Unavailable as error:
        if wireguard_go is None or error.code != "wireguard-go-failed":
            raise
        raise Invalid("--wireguard-go", error.what, fix="give a wireguard-go, or leave the option out") from None
    identity = joined.identity
    newcomer.save_settings(replace(wanted, node=NodeSettings(name=identity.node)), settings)
    seconds = (datetime.now(UTC) - began).total_seconds()
    answer = {
        "node": identity.node,
        "role": identity.role,
        "address": str(identity.address),
        "state": joined.state,
        "seconds": round(seconds, 3),
        "replaces": token.node if identity.node != token.node else None,
    }
    line = f"{identity.node} ({identity.role}) joined as {identity.address} in {seconds:.1f} s"
    show(answer, output, lambda: say(line))
    if identity.node != token.node:
        note(f"it took over from the {identity.node} that was in the grid before, which is revoked")
    if joined.state is NodeState.PENDING:
        note(f"it waits for a yes, and gets nothing until then: on the gateway, gridwire node approve {identity.node}")
    if identity.role is Role.EDGE and not wanted.reach:
        note("nothing of this host may be published yet:  gridwire reach add 127.0.0.1:PORT")


def _firewalls(token: Token, *, yes: bool) -> None:
    """Another firewall that drops what comes in by the mesh: opened on consent, else its commands are shown."""
    if token.role != Role.EDGE:
        return
    obstacles = firewalls.in_the_way(token.interface, 0)
    if not obstacles:
        return
    note(firewalls.summary(obstacles))
    firewalls.print_commands(obstacles)
    if yes or (interactive() and confirmed("Run them?", yes=False, otherwise="")):
        firewalls.open_up(obstacles)


def _settings(token: Token, rules: tuple[Reach, ...], no_hosts: bool, wireguard_go: str | None) -> Settings:
    return Settings(
        node=NodeSettings(name=token.node),
        network=NetworkSettings(
            prefix=token.prefix,
            interface=token.interface,
            shared_address_space=_shared(token),
            ports=PortSettings(api=token.api_port, enrol=token.enrol_port),
        ),
        reach=rules,
        hosts=not no_hosts,
        mesh=MeshSettings(wireguard_go=wireguard_go),
    )


def _over(present: Settings, wanted: Settings, kept: tuple[Reach, ...]) -> Settings:
    """The settings of this host with what joining decides and what was given on the command line."""
    return replace(
        present,
        node=wanted.node,
        network=wanted.network,
        reach=tuple(dict.fromkeys((*kept, *wanted.reach))),
        hosts=present.hosts and wanted.hosts,
        mesh=present.mesh if wanted.mesh.wireguard_go is None else wanted.mesh,
    )


def _shared(token: Token) -> bool:
    from gridwire.core.addressing import SHARED

    return token.prefix.version == 4 and token.prefix.overlaps(SHARED)


def _check_prefix(token: Token) -> None:
    from gridwire.adapters.wireguard import read_host_networks

    networks = read_host_networks()
    found = clashes(
        token.prefix,
        interface=token.interface,
        addresses=networks.addresses,
        routes=networks.routes,
        tailscale=networks.tailscale,
    )
    if found:
        raise Conflict(
            f"the mesh's {token.prefix} clashes with {found[0].with_what} on this host",
            fix="change this host's network, or make the grid with another prefix",
        )


def _read_token(path: str | None) -> str:
    """From a file, from stdin where it is no terminal, else from a prompt that does not echo."""
    if path is not None:
        try:
            with Path(path).open("rb") as file:
                content = file.read(_LONGEST)
        except OSError as error:
            raise Invalid("--token-file", f"{path} cannot be read: {error.strerror}", fix="give a file") from None
        return content.decode("ascii", "replace")
    if not sys.stdin.isatty():
        return sys.stdin.read(_LONGEST)
    if not interactive():
        raise Invalid("token", "nobody is there to be asked", fix="give it on stdin, or with --token-file")
    return _prompt()


def _prompt() -> str:
    """A line of any length, unechoed. A terminal's own line editing stops at 4,095 characters (termios(3))."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    quiet = [*before]
    quiet[3] = before[3] & ~(termios.ECHO | termios.ICANON)
    try:
        termios.tcsetattr(handle, termios.TCSAFLUSH, quiet)
        # Only now: what is typed before would be echoed, and its end flushed.
        print("token: ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline(_LONGEST)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
        print(file=sys.stderr)
