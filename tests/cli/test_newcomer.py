"""What a join keeps of the host's settings, and whether the key of a failed try may be known to a gateway."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gridwire.adapters.settings import load
from gridwire.adapters.wireguard import new_private_key, public_of
from gridwire.agent.join import identity_of
from gridwire.agent.state_dir import AgentState
from gridwire.cli.newcomer import GatewayOfToken, Stake, reach_kept, save_settings
from gridwire.core.enrollment import GatewayContact, Token
from gridwire.core.errors import GridwireError
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.settings import MeshSettings, NetworkSettings, NodeSettings, PathSettings, Settings
from gridwire.core.targets import parse_reach

APP = parse_reach("127.0.0.1:9000")
OTHER = parse_reach("127.0.0.1:5432")


def contact(address: str = "10.85.0.1") -> GatewayContact:
    key = public_of(new_private_key())
    return GatewayContact(node=NodeName("gw"), public_key=key, endpoint="gw:51820", address=ip_address(address))


def token(gateway: GatewayContact, *, role: str = "edge", port: int = 2087) -> Token:
    return Token(
        node=NodeName("home-1"),
        role=role,
        address=ip_address("10.85.1.0"),
        prefix=ip_network("10.85.0.0/16"),
        interface=Interface("gw0"),
        suffix=HostName("grid"),
        enrol_port=port,
        api_port=2086,
        routes_port=80,
        edge_port=2085,
        mtu=1420,
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        ephemeral_private_key=new_private_key(),
        gateways=(gateway,),
    )


@pytest.mark.parametrize(
    ("role", "anew", "same_grid", "kept"),
    [
        ("edge", False, False, True),
        ("edge", True, True, True),
        ("edge", True, False, False),
        ("client", False, True, False),
        ("client", True, True, False),
    ],
)
def test_a_consent_is_for_one_grid_and_for_an_edge(
    role: str, anew: bool, same_grid: bool, kept: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = contact()
    present = Settings(node=NodeSettings(name=NodeName("was")), reach=(APP,), paths=PathSettings(state=str(tmp_path)))
    before = identity_of(token(gateway if same_grid else contact()), no_hosts=False)
    AgentState(present.paths.agent_state).save_identity(before)
    assert reach_kept(present, token(gateway, role=role), anew=anew) == ((APP,) if kept else ())
    assert "127.0.0.1:9000" in capsys.readouterr().err, "what becomes of it is said"


def test_only_what_joining_decides_is_changed_in_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "gridwire.yaml"
    path.write_text("# mine\nnode: {name: was}\nendpoint: gw:51820\nreach:\n  - 127.0.0.1:5432\npaths: {run: /r}\n")
    wanted = Settings(
        node=NodeSettings(name=NodeName("is")),
        network=NetworkSettings(prefix=ip_network("10.99.0.0/16")),
        reach=(APP,),
        hosts=False,
        mesh=MeshSettings(wireguard_go="/opt/wireguard-go"),
    )
    save_settings(wanted, str(path))
    now = load(path)
    assert (now.node.name, now.endpoint, now.hosts, now.reach) == ("is", None, False, (APP,))
    assert (str(now.network.prefix), now.mesh.wireguard_go, now.paths.run) == (
        "10.99.0.0/16",
        "/opt/wireguard-go",
        "/r",
    )
    assert path.read_text().startswith("# mine\n")
    save_settings(replace(wanted, reach=()), str(path))
    assert load(path).reach == ()
    save_settings(replace(wanted, reach=(OTHER, APP)), str(path))
    assert load(path).reach == (OTHER, APP)


@contextmanager
def answering(content: bytes) -> Iterator[int]:
    """A TCP port that answers every request with ``content``, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(content)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(10)


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"", True),
        (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 409 x\r\nContent-Length: 0\r\n\r\n", False),
    ],
    ids=["no answer", "control is away", "refused"],
)
def test_a_key_that_a_gateway_may_have_taken_is_at_stake(content: bytes, taken: bool) -> None:
    stake, gateway = Stake(), contact("127.0.0.1")
    with answering(content) as port, pytest.raises(GridwireError):
        GatewayOfToken(gateway, token(gateway, port=port), 5.0, stake).redeem(public_of(new_private_key()))
    assert stake.key_taken is taken
    with pytest.raises(GridwireError):  # nobody listens there any more: the request is not sent
        GatewayOfToken(gateway, token(gateway, port=port), 5.0, stake).redeem(public_of(new_private_key()))
    assert stake.key_taken is taken, "what was so before stays so"
