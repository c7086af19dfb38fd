"""The files that a node's installation consists of, and which programs a service may be."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gridwire.adapters.files import untrusted
from gridwire.adapters.process.foreground import supervises
from gridwire.agent import installation
from gridwire.agent.installation import check_settings, installation_of
from gridwire.core.errors import Invalid, Unavailable
from gridwire.core.fleet import Role
from gridwire.core.installation import OURS, SYSUSERS, TMPFILES, UNIT_FILES, UNIT_FOLDER, RemoveFile, WriteFile
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName
from gridwire.core.settings import NodeSettings, PathSettings, Settings

SETTINGS = Settings(node=NodeSettings(name=NodeName("gw")), endpoint="gw.example.com:51820")
FILE = "/etc/gridwire/gridwire.yaml"


def identity(role: Role) -> JoinedAs:
    return JoinedAs(
        node=NodeName("gw"),
        role=role,
        address=ip_address("10.85.0.1"),
        prefix=ip_network("10.85.0.0/16"),
        interface=Interface("gw0"),
        suffix=HostName("grid"),
    )


def test_a_gateway_has_every_unit_and_no_place_is_left_unfilled() -> None:
    files = installation_of(SETTINGS, FILE, identity(Role.GATEWAY), userspace=True).files
    assert {f"{UNIT_FOLDER}/{name}" for name in UNIT_FILES} <= set(files)
    for path, text in files.items():
        assert text.startswith(OURS), path
        assert not re.search(r"@[a-z_]+@", text), path


def test_an_edge_gets_neither_control_nor_its_user() -> None:
    edge = installation_of(SETTINGS, FILE, identity(Role.EDGE), userspace=True)
    assert not any("control" in Path(path).name for path in edge.files)
    assert "u gridwire -" not in edge.files[SYSUSERS]
    assert "u gridwire-nginx -" in edge.files[SYSUSERS]
    assert "/control" not in edge.files[TMPFILES]


def test_every_relaxed_line_of_a_sandbox_says_why() -> None:
    """A comment right above each line that is wider than it could be, or above the run of lines that it is in."""
    relaxed = re.compile(
        r"^(PrivateNetwork=no|PrivateDevices=no|ProtectProc=default|MemoryDenyWriteExecute=no"
        r"|ReadWritePaths=/(etc|proc/sys/net)$|RestrictNamespaces=[a-z]+ |SystemCallFilter=@system-service @"
        r"|CapabilityBoundingSet=CAP|RestrictAddressFamilies=.*AF_INET|DeviceAllow=|BindReadOnlyPaths=)"
    )
    for path, text in installation_of(SETTINGS, FILE, identity(Role.GATEWAY), userspace=True).files.items():
        if not path.endswith(".service"):
            continue
        lines = text.splitlines()
        for at, line in enumerate(lines):
            if relaxed.match(line):
                above = [before for before in lines[max(0, at - 3) : at] if before.startswith("#")]
                assert above, f"{path}: {line}"


def test_control_reaches_the_world_and_neither_this_host_nor_the_mesh() -> None:
    unit = f"{UNIT_FOLDER}/gridwire-control.service"
    alone = installation_of(SETTINGS, FILE, identity(Role.GATEWAY), userspace=False).files[unit]
    assert "\nIPAddressAllow=127.0.0.53\nIPAddressDeny=localhost link-local multicast 10.85.0.0/16\n" in alone
    remote = replace(SETTINGS, database_url="postgresql://db.example.com/gridwire")
    calls = installation_of(remote, FILE, identity(Role.GATEWAY), userspace=False).files[unit]
    assert "IPAddressDeny" not in calls  # its database may be on this host, and a person said where
    elsewhere = replace(SETTINGS, database_url="sqlite:////srv/gridwire/grid.db")
    assert (
        "ReadWritePaths=/srv/gridwire\n"
        in installation_of(elsewhere, FILE, identity(Role.GATEWAY), userspace=False).files[unit]
    )


def test_etc_is_writable_for_the_agent_only_where_it_keeps_names_there() -> None:
    unit = f"{UNIT_FOLDER}/gridwire-agent.service"
    assert (
        "\nReadWritePaths=/etc\n" in installation_of(SETTINGS, FILE, identity(Role.EDGE), userspace=False).files[unit]
    )
    without = installation_of(replace(SETTINGS, hosts=False), FILE, identity(Role.EDGE), userspace=False)
    assert "ReadWritePaths=/etc" not in without.files[unit]


def test_a_path_that_no_unit_can_hold_is_refused() -> None:
    odd = replace(SETTINGS, paths=PathSettings(state="/var/lib/grid wire"))
    with pytest.raises(Invalid, match=r"paths\.state"):
        installation_of(odd, FILE, identity(Role.EDGE), userspace=False)


@pytest.mark.parametrize(
    ("path", "said"), [("/usr/bin/env", ""), ("/root/x", "below /root"), ("/home/x", "below /home")]
)
def test_what_root_may_run(path: str, said: str) -> None:
    assert said in untrusted(path)
    assert bool(untrusted(path)) is bool(said)


def test_what_others_can_change_is_no_program(tmp_path: Path) -> None:
    program = Path("/usr/local/lib") / f"gridwire-test-{tmp_path.name}"
    link = tmp_path / "link"
    link.symlink_to("/usr/bin/env")
    assert untrusted("/usr/bin/env") == ""
    tmp_path.chmod(0o777)
    assert "may be written by others" in untrusted(str(link)) or "root alone" in untrusted(str(link))
    assert "cannot be read" in untrusted(str(program))


def test_settings_that_control_could_not_read_are_refused_on_a_gateway_alone(tmp_path: Path) -> None:
    file = Path("/etc") / f"gridwire-test-{tmp_path.name}.yaml"
    assert "cannot be read" in untrusted(str(file))
    assert "root alone" in untrusted("/etc/shadow")
    assert untrusted("/etc/shadow", by_others=False) == ""
    with pytest.raises(Unavailable, match="below /root"):
        check_settings("/root/gridwire.yaml", Role.EDGE)
    with pytest.raises(Unavailable, match="root alone"):
        check_settings("/etc/shadow", Role.GATEWAY)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("/opt/gridwire/bin/python3 /opt/gridwire/bin/gridwire up", True),
        ("python3 -P -m gridwire.cli.main up --settings /x", True),
        ("python3 /usr/local/bin/gridwire join --token-file t --up", True),
        ("python3 -P -m gridwire.cli.main agent --settings up", False),
        ("python3 /usr/local/bin/gridwire join --token-file up", False),
        ("vim gridwire up", False),
    ],
)
def test_a_gridwire_in_the_foreground_is_told_by_its_command_line(line: str, runs: bool) -> None:
    assert supervises(line.split()) is runs


def test_a_folder_that_was_made_for_a_file_goes_with_it_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_MADE", tmp_path / "made-folders")
    there, new = tmp_path / "tmpfiles.d", tmp_path / "sysusers.d"
    there.mkdir()
    for folder in (there, new):
        installation.carry_out(WriteFile(path=f"{folder}/gridwire.conf", text="x", reason="written"))
    for folder in (there, new):
        installation.carry_out(RemoveFile(path=f"{folder}/gridwire.conf", reason="removed"))
    assert list(tmp_path.iterdir()) == [there]
