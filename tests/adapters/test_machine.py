"""What is read of a machine, from files as kernels and container runtimes write them and from this very one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from gridwire.adapters import machine
from gridwire.adapters.machine.conntrack import dropped_of
from gridwire.core.observed import Known, Unknown

_serial = count()
STATISTICS = """entries  clashres found new invalid ignore delete insert insert_failed drop early_drop icmp_error
00000003  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 00000000 00000000
00000003  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000
"""


def files(root: Path, **contents: str) -> Path:
    for name, content in contents.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_what_a_full_table_dropped_is_summed_over_processors() -> None:
    assert dropped_of(STATISTICS) == 11


def test_the_table_is_read_and_a_kernel_without_one_is_no_fault(tmp_path: Path) -> None:
    assert machine.read_conntrack(tmp_path) == Known(None)
    folder = "sys__net__netfilter__nf_conntrack_"
    named = {"count": "7", "max": "99", "udp_timeout": "30", "udp_timeout_stream": "120"}
    files(tmp_path, **{folder + name: f"{value}\n" for name, value in named.items()})
    assert isinstance(machine.read_conntrack(tmp_path), Unknown), "its statistics are not there"
    (tmp_path / "thread-self/net/stat").mkdir(parents=True)
    (tmp_path / "thread-self/net/stat/nf_conntrack").write_text(STATISTICS)
    read = machine.read_conntrack(tmp_path)
    assert isinstance(read, Known)
    assert read.value is not None
    assert (read.value.entries, read.value.most, read.value.dropped) == (7, 99, 11)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        (".dockerenv", "", "docker"),
        ("run__.containerenv", "", "podman"),
        ("run__systemd__container", "lxc\n", "lxc"),
        ("proc__1__environ", "HOME=/\0container=systemd-nspawn\0", "systemd-nspawn"),
        ("proc__1__environ", "container=lxc", "lxc"),
        ("proc__1__environ", "nocontainer=lxc", ""),
        ("proc__1__cgroup", "0::/kubepods/burstable/pod1\n", "kubernetes"),
        ("proc__1__cgroup", "1:name=systemd:/docker/0123\n", "docker"),
        ("proc__1__cgroup", "0::/init.scope\n", ""),
    ],
)
def test_a_container_is_known_by_what_its_runtime_leaves(tmp_path: Path, name: str, content: str, kind: str) -> None:
    assert machine.container(files(tmp_path, **{name: content})) == kind


def test_an_orchestrator_is_known_by_its_program_or_folder(tmp_path: Path) -> None:
    assert machine.orchestrator({"sshd"}, tmp_path) == ""
    assert machine.orchestrator({"sshd", "kubelet"}, tmp_path) == "Kubernetes"
    (tmp_path / "usr/local/cpanel").mkdir(parents=True)
    assert machine.orchestrator({"sshd"}, tmp_path) == "cPanel"


@pytest.mark.parametrize(("rights", "may"), [("0000000000001000", True), ("000001ffffffefff", False), ("0", False)])
def test_the_right_to_change_networks_is_read_from_the_kernel(tmp_path: Path, rights: str, may: bool) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tx\nCapEff:\t{rights}\nCapBnd:\t{rights}\n")
    assert machine.net_admin(status) is may


def test_this_machine_is_read() -> None:
    assert machine.kernel() == os.uname().release
    assert machine.clock_kept() in (True, False)
    assert machine.open_files() > 0
    assert "lo" not in {one.name for one in machine.read_interfaces()}
    assert isinstance(machine.listening_users(), Known)
    assert Path(sys.executable).name[:6] in {name[:6] for name in machine.running_programs()}


@contextmanager
def network() -> Iterator[str]:
    name = f"gwmc{os.getpid()}-{next(_serial)}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


SERVE = "import socket, sys; s = socket.create_server(('0.0.0.0', 18080)); print('ready', flush=True); sys.stdin.read()"


@contextmanager
def listening_in(name: str) -> Iterator[None]:
    argv = ["ip", "netns", "exec", name, sys.executable, "-c", SERVE]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        assert served.stdout.readline() == "ready\n"
        yield
        served.communicate()


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_ports_that_several_networks_listen_on_are_counted() -> None:
    with network() as one, listening_in(one):
        seen = machine.ports_of_other_networks()
        assert isinstance(seen, Known)
        assert 18080 not in dict(seen.value)
        with network() as other, listening_in(other):
            seen = machine.ports_of_other_networks()
            assert isinstance(seen, Known)
            assert dict(seen.value)[18080] == 2


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_links_bridges_and_ways_of_a_network_are_read() -> None:
    with network() as name:
        lines = "link add br0 type bridge\nlink add veth0 type veth peer name veth1\nlink set veth0 master br0\n"
        lines += "addr add 192.0.2.1/24 dev veth1\nlink set veth1 mtu 1400\nlink set veth0 up\nlink set veth1 up\n"
        lines += "link set br0 up\nroute add default via 192.0.2.9\n"
        subprocess.run(["ip", "-n", name, "-batch", "-"], input=lines, text=True, check=True)
        script = (
            "from gridwire.adapters.machine import read_interfaces, way_to\n"
            "from ipaddress import ip_address as a\n"
            "print([(i.name, i.kind, i.master, i.mtu, i.physical, i.default_route) for i in read_interfaces()])\n"
            "print(way_to(a('192.0.2.7')), way_to(a('203.0.113.1')), way_to(a('2001:db8::1')))"
        )
        inside = ["ip", "netns", "exec", name, sys.executable, "-P", "-c", script]
        links, ways = subprocess.run(inside, capture_output=True, text=True, check=True).stdout.splitlines()
    assert ("br0", "bridge", "", 1500, False, False) in literal_eval(links)
    assert ("veth0", "veth", "br0", 1500, False, False) in literal_eval(links)
    assert ("veth1", "veth", "", 1400, False, True) in literal_eval(links)
    assert ways.split() == ["veth1", "veth1"], "nothing leads to the IPv6 address"


def test_a_user_who_listens_is_named_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))):
        seen = machine.listening_users()
    assert isinstance(seen, Known)
    assert "root" not in seen.value, "people, not services"
