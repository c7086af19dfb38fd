"""What was opened in other firewalls can be closed again, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridwire.adapters.firewalls import Needs, close, opened, remember_opened, undoing
from gridwire.adapters.firewalls.ufw import obstacle
from gridwire.core.names import Interface


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("ufw allow 51820/udp comment x", "ufw delete allow 51820/udp"),
        ("ufw allow in on gw0 comment x", "ufw delete allow in on gw0"),
        (
            "firewall-cmd --permanent --zone=public --add-port=1/udp",
            "firewall-cmd --permanent --zone=public --remove-port=1/udp",
        ),
        (
            "firewall-cmd --permanent --zone=trusted --change-interface=gw0",
            "firewall-cmd --permanent --zone=trusted --remove-interface=gw0",
        ),
        ("firewall-cmd --reload", "firewall-cmd --reload"),
        ("iptables -I INPUT -i gw0 -j ACCEPT", "iptables -D INPUT -i gw0 -j ACCEPT"),
    ],
)
def test_each_opening_has_its_closing(opening: str, closing: str) -> None:
    assert undoing(tuple(opening.split())) == tuple(closing.split())


def test_every_command_for_ufw_can_be_undone() -> None:
    found = obstacle("Status: active\nDefault: deny (incoming)", Needs(interface=Interface("gw0"), listen_port=51820))
    assert found is not None
    assert all(undoing(argv) for argv in found.commands)


def test_an_nft_rule_is_left_to_a_person() -> None:
    assert undoing(("nft", "insert", "rule", "inet", "filter", "input", "iifname", "gw0", "accept")) is None


def test_what_was_opened_is_kept_and_the_record_ends_with_the_closing(tmp_path: Path) -> None:
    record = str(tmp_path / "opened.json")
    assert close(record) == ()
    nft = ("nft", "insert", "rule", "x")
    remember_opened([nft], record)
    remember_opened([nft, ("nosuchprogram", "-I")], record)
    assert opened(record) == (nft, ("nosuchprogram", "-I"))
    assert close(record) == (nft, ("nosuchprogram", "-I")), "a person is told what is left"
    assert opened(record) == ()


def test_a_damaged_record_runs_nothing(tmp_path: Path) -> None:
    record = tmp_path / "opened.json"
    record.write_text('{"ufw')
    assert close(str(record)) == ()
