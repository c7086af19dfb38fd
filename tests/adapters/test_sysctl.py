"""Kernel settings, in a folder that stands for /proc/sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridwire.adapters.sysctl import Sysctls
from gridwire.core.errors import GridwireError, NotPermitted

KEY = "net/ipv4/conf/all/arp_ignore"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / KEY).parent.mkdir(parents=True)
    (tmp_path / KEY).write_text("0\n")
    return tmp_path


def test_a_setting_is_read_and_written(root: Path) -> None:
    sysctls = Sysctls(root)
    assert sysctls.read(KEY) == 0
    sysctls.write(KEY, 1)
    assert sysctls.read(KEY) == 1


def test_a_setting_that_this_kernel_lacks_is_none(root: Path) -> None:
    assert Sysctls(root).read("net/ipv6/ip_nonlocal_bind") is None


def test_what_is_no_number_is_an_error(root: Path) -> None:
    (root / KEY).write_text("soon")
    with pytest.raises(GridwireError, match="arp_ignore"):
        Sysctls(root).read(KEY)


def test_a_read_only_proc_sys_says_what_to_do(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(NotPermitted) as caught:
        Sysctls(root).write(KEY, 1)
    assert "--sysctl net.ipv4.conf.all.arp_ignore=1" in caught.value.fix
    assert "lxc.sysctl.net.ipv4.conf.all.arp_ignore = 1" in caught.value.fix


def test_interfaces_with_a_setting(root: Path) -> None:
    for name, value in (("eth0", "1"), ("eth1", "0"), ("br0", "1")):
        folder = root / "net/ipv4/conf" / name
        folder.mkdir()
        (folder / "route_localnet").write_text(value)
    assert Sysctls(root).interfaces_with("route_localnet", 1) == ("br0", "eth0")
