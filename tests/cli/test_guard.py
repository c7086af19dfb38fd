"""``gridwire guard show``: stands, does not stand, or nobody can tell; and where programs are looked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.netfilter import Nft
from gridwire.agent.state_dir import AgentState
from gridwire.cli.main import whole_path
from gridwire.core.actions import Action
from gridwire.core.addressing import DEFAULT_PREFIX, address_at
from gridwire.core.compiler import compile_spec
from gridwire.core.errors import Unavailable
from gridwire.core.fleet import Fleet, Network, Node, NodeState, Role


@pytest.fixture
def saved(tmp_path: Path) -> None:
    gateway = Node(
        name="gw",
        role=Role.GATEWAY,
        state=NodeState.ACTIVE,
        address=address_at(DEFAULT_PREFIX, 1),
        public_key="HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
        endpoint="gw.example.com:51820",
    )
    fleet = Fleet(network=Network(prefix=DEFAULT_PREFIX), nodes=(gateway,))
    AgentState(tmp_path / "state" / "agent").save_spec(compile_spec(fleet, "gw", epoch=1, revision=1))


@pytest.mark.usefixtures("saved")
def test_a_guard_that_cannot_be_read_is_unknown_and_not_absent(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: object) -> None:
        raise Unavailable("nft is not installed", fix="install nftables")

    monkeypatch.setattr("gridwire.cli.guard.require_root", lambda _: None)
    monkeypatch.setattr(Nft, "read", unread)
    ran = cli("guard", "show")
    assert ran.code == 3
    assert "unknown: nft is not installed" in ran.out
    assert "does not stand" not in ran.out
    told = json.loads(cli("guard", "show", "-o", "json").out)
    assert told["stands"] is None
    assert "nft is not installed" in told["unknown"]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("verb", ["load", "remove"])
def test_what_was_done_to_the_guard_is_told_to_machines(verb: str, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridwire.cli.guard.require_root", lambda _: None)
    done = (Action(reason="the table was flushed"),)
    monkeypatch.setattr("gridwire.agent.guard.load_guard", lambda _: done)
    monkeypatch.setattr("gridwire.agent.guard.remove_guard", lambda: done)
    options = ("--yes",) if verb == "remove" else ()
    given = {"settings": verb == "load"}
    assert json.loads(cli("guard", verb, *options, "-o", "json", **given).out) == {"done": ["the table was flushed"]}
    ran = cli("guard", verb, *options, **given)
    assert (ran.out, ran.err) == ("", "the table was flushed\n")


@pytest.mark.parametrize("path", ["/usr/bin:/bin", "", "/opt/x:/usr/bin"])
def test_programs_of_root_are_found_on_a_users_path(path: str) -> None:
    whole = whole_path(path).split(":")
    assert {"/usr/sbin", "/sbin"} <= set(whole)
    assert whole[: path.count(":") + 1] == path.split(":") or not path
    assert "" not in whole, "an empty folder is the one that somebody happens to stand in"
    assert whole_path(whole_path(path)) == whole_path(path)
