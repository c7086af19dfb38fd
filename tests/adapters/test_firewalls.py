"""What firewalls say of themselves, as they say it; real ones are asked in tests/netns/guard."""

from __future__ import annotations

import pytest

from gridwire.adapters.firewalls import Needs, Obstacle, find, firewalld, iptables, run, ufw
from gridwire.core.errors import GridwireError
from gridwire.core.names import Interface

NEEDS = Needs(interface=Interface("gw0"), listen_port=51820)
EDGE = Needs(interface=Interface("gw0"), listen_port=0)

UFW = """Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), deny (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW IN    Anywhere
"""


@pytest.mark.parametrize(
    ("status", "drops"),
    [
        ("Status: inactive\n", None),
        (UFW, ("51820/udp", "gw0")),
        (UFW.replace("deny (incoming)", "allow (incoming)"), None),
        (UFW + "51820/udp                  ALLOW IN    Anywhere                   # gridwire\n", ("gw0",)),
        (UFW + "51820                      ALLOW IN    Anywhere\n", ("gw0",)),
        (UFW + "51820/udp                  ALLOW IN    192.0.2.7\n", ("51820/udp", "gw0")),
        (UFW + "51820/udp                  DENY IN     Anywhere\n", ("51820/udp", "gw0")),
        (UFW + "Anywhere on gw0            ALLOW IN    Anywhere\n", ("51820/udp",)),
        (UFW + "Anywhere on gw01           ALLOW IN    Anywhere\n", ("51820/udp", "gw0")),
    ],
)
def test_ufw(status: str, drops: tuple[str, ...] | None) -> None:
    obstacle = ufw.obstacle(status, NEEDS)
    assert (obstacle and obstacle.drops) == drops


def test_a_node_that_is_not_called_needs_no_port() -> None:
    obstacle = ufw.obstacle(UFW, EDGE)
    assert obstacle is not None
    assert obstacle.drops == ("gw0",)


INPUT = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n"
ENDS = "-P INPUT ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"


@pytest.mark.parametrize(
    ("listing", "drops"),
    [
        ("-P INPUT ACCEPT\n", None),
        (INPUT, ("51820/udp", "gw0")),
        (ENDS + "-A INPUT -j REJECT --reject-with icmp-host-prohibited\n", ("51820/udp", "gw0")),
        (ENDS + "-A INPUT -p tcp -m tcp --dport 25 -j DROP\n", None),
        (INPUT + "-A INPUT -j ACCEPT\n", None),
        (INPUT + "-A INPUT -p udp -m udp --dport 51820 -j ACCEPT\n", ("gw0",)),
        (INPUT + '-A INPUT -i gw0 -m comment --comment "the mesh" -j ACCEPT\n', ("51820/udp",)),
        (INPUT + "-A INPUT -j DROP\n-A INPUT -i gw0 -j ACCEPT\n", ("51820/udp", "gw0")),
        (INPUT + "-N mine\n-A INPUT -j mine\n-A mine -i gw0 -j ACCEPT\n", ("51820/udp",)),
        (INPUT + "-A INPUT -i gw0 -p tcp -j ACCEPT\n", ("51820/udp", "gw0")),
    ],
)
def test_iptables(listing: str, drops: tuple[str, ...] | None) -> None:
    obstacle = iptables.obstacle("iptables", listing, NEEDS)
    assert (obstacle and obstacle.drops) == drops


class Firewalld:
    """firewall-cmd's answers, by its last arguments; what is not there fails, as "no" does."""

    def __init__(self, **answers: str) -> None:
        self.answers = {
            "--state": "running\n",
            "--get-default-zone": "public\n",
            "--get-active-zones": "public (default)\n  interfaces: eth0\n",
            **{key.replace("__", " "): value for key, value in answers.items()},
        }

    def __call__(self, argv: tuple[str, ...]) -> str | None:
        return self.answers.get(" ".join(argv[1:]))


def test_firewalld_opens_the_zones_that_are_in_use() -> None:
    obstacle = firewalld.obstacle(Firewalld(), NEEDS)
    assert obstacle == Obstacle(
        firewall="firewalld",
        drops=("51820/udp", "gw0"),
        commands=(
            ("firewall-cmd", "--permanent", "--zone=public", "--add-port=51820/udp"),
            ("firewall-cmd", "--permanent", "--zone=trusted", "--change-interface=gw0"),
            ("firewall-cmd", "--reload"),
        ),
        lasting=True,
    )


def test_firewalld_that_was_opened_or_does_not_run_is_no_obstacle() -> None:
    opened = Firewalld(**{"--zone=public --query-port=51820/udp": "yes\n", "--get-zone-of-interface=gw0": "trusted\n"})
    opened.answers["--permanent --zone=trusted --get-target"] = "ACCEPT\n"
    assert firewalld.obstacle(opened, NEEDS) is None
    opened.answers["--state"] = "not running\n"
    assert firewalld.obstacle(opened, NEEDS) is None


def test_a_command_that_fails_is_named_with_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = (("true",), ("sh", "-c", "echo no such zone >&2; exit 1"), ("true",))
    obstacle = Obstacle(firewall="firewalld", drops=("gw0",), commands=commands, lasting=True)
    with pytest.raises(GridwireError, match="no such zone"):
        run(obstacle)


def test_a_host_without_any_firewall_program_has_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find(NEEDS) == ()
