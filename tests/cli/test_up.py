"""Which processes stand side by side on a node of each role."""

from __future__ import annotations

import pytest

from gridwire.cli.up import siblings
from gridwire.core.fleet import Role


@pytest.mark.parametrize(
    ("role", "userspace", "names"),
    [
        (Role.GATEWAY, True, {"guard", "mesh", "nginx", "control", "agent"}),
        (Role.GATEWAY, False, {"guard", "nginx", "control", "agent"}),
        (Role.EDGE, True, {"guard", "mesh", "nginx", "agent"}),
        (Role.CLIENT, True, {"guard", "mesh", "agent"}),
        (Role.OPERATOR, False, {"guard", "agent"}),
    ],
)
def test_each_role_runs_what_it_needs(role: Role, userspace: bool, names: set[str]) -> None:
    children = siblings(role, settings_file="/etc/x.yaml", userspace=userspace)
    assert {child.name for child in children} == names
    assert [child.name for child in children if child.oneshot] == ["guard"]
    assert {child.name for child in children if child.sockets} == names & {"control"}
    for child in children:
        assert child.argv[-2:] == ("--settings", "/etc/x.yaml")
        assert child.argv[1] == "-P", "root imports nothing from the directory that it stands in"
