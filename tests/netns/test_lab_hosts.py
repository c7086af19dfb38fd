"""Lab hosts are apart from each other and from the real host, and nothing of them remains."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from gridwire.lab.host import CommandFailed
from gridwire.lab.processes import processes
from gridwire.lab.topology import Lab, Link, Place, build
from gridwire.lab.waiting import until

pytestmark = [pytest.mark.netns, pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")]

LINK = Link(name="one", prefix=IPv4Network("203.0.113.0/24"), prefix6=IPv6Network("2001:db8::/64"))
FAR = Link(name="two", prefix=IPv4Network("198.51.100.0/24"))
PLACES = (
    Place(host="alpha", link="one", number=7),
    Place(host="beta", link="one", number=66),
    Place(host="gamma", link="two", number=11),
)
SERVE = "import socket,sys; s=socket.create_server((sys.argv[1],80),family=int(sys.argv[2])); s.accept()[0].send(b'hi')"
CALL = "import socket,sys; s=socket.create_connection((sys.argv[1],80),2); print(s.recv(2).decode())"


@pytest.fixture
def lab() -> Iterator[Lab]:
    built = build((LINK, FAR), PLACES)
    try:
        yield built
    finally:
        built.close()


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def connect(lab: Lab, caller: str, called: str, *, version: int = 4) -> str:
    address = lab.address(called, version=version)
    server = lab.host(called).start(python(SERVE, address, "2" if version == 4 else "10"))
    table = Path(f"/proc/{lab.host(called).pid}/net/tcp{'' if version == 4 else '6'}")
    until(lambda: re.search(r":0050 0+:0000 0A", table.read_text()), "the listener", timeout=5)  # 0A: TCP_LISTEN
    try:
        return lab.host(caller).run(python(CALL, address)).stdout.strip()
    finally:
        server.communicate(timeout=5)


def test_neighbours_and_hosts_behind_the_router_reach_each_other(lab: Lab) -> None:
    assert connect(lab, "beta", "alpha") == "hi"
    assert connect(lab, "gamma", "alpha") == "hi"
    assert connect(lab, "beta", "alpha", version=6) == "hi"


def test_a_host_has_files_names_and_processes_of_its_own(lab: Lab) -> None:
    alpha, beta = lab.host("alpha"), lab.host("beta")
    alpha.run(["sh", "-c", "echo mine | tee /etc/lab-test /var/lib/lab-test /run/lab-test"])

    assert alpha.run(["cat", "/etc/lab-test", "/var/lib/lab-test", "/run/lab-test"]).stdout.split() == ["mine"] * 3
    for path in ("/etc/lab-test", "/var/lib/lab-test", "/run/lab-test"):
        assert beta.run(["cat", path], check=False).returncode != 0
        assert not Path(path).exists()
    assert alpha.run(["hostname"]).stdout.strip() == "alpha"
    assert alpha.run(["id", "-un", "64502"]).stdout.strip() == "gridwire-nginx"
    assert alpha.run(python("import os; print(os.getpid() < 100)")).stdout.strip() == "True"


def test_an_unprivileged_user_of_a_host_can_load_this_installation(lab: Lab) -> None:
    code = "import os; os.setgid(64501); os.setuid(64501); import gridwire.core.fleet, concurrent.futures.thread"

    lab.host("alpha").run([sys.executable, "-P", "-c", code])


def test_files_that_a_killed_program_leaves_are_the_hosts(lab: Lab) -> None:
    code = "import os, tempfile; print(tempfile.mkdtemp()); import sys; sys.stdout.flush(); os.kill(os.getpid(), 9)"

    made = Path(lab.host("alpha").run(python(code), check=False).stdout.strip())

    assert (lab.host("alpha").root / made.relative_to("/")).is_dir()
    assert not made.exists()


def test_every_host_makes_its_own_gw0(lab: Lab) -> None:
    for name in ("alpha", "beta"):
        lab.host(name).run(["ip", "tuntap", "add", "gw0", "mode", "tun"])
        assert "gw0" in lab.host(name).run(["ip", "-br", "link"]).stdout
    assert "gw0" not in Path("/proc/net/dev").read_text()


def test_a_failing_command_says_where_and_why(lab: Lab) -> None:
    with pytest.raises(CommandFailed, match=r"on alpha: cat /nowhere: exit 1: .*No such file"):
        lab.host("alpha").run(["cat", "/nowhere"])


def test_signals_reach_the_program_itself(lab: Lab) -> None:
    process = lab.host("alpha").start(["sleep", "60"])
    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == -signal.SIGTERM


def inhabitants(spaces: set[str]) -> set[tuple[str, str]]:
    """The processes in these namespaces: pid and start. The kernel gives the number of a namespace that is gone to the
    next that is made, so whether a number is in use says nothing."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if spaces & {str((entry / "ns" / kind).readlink()) for kind in ("net", "mnt", "pid")}:
                    found.add((entry.name, started(entry)))
    return found


def started(process: Path) -> str:
    return (process / "stat").read_text().rpartition(")")[2].split()[19]  # proc(5)


def left(processes: set[tuple[str, str]]) -> set[tuple[str, str]]:
    found = set()
    for pid, start in processes:
        with suppress(OSError):
            if started(Path("/proc", pid)) == start:
                found.add((pid, start))
    return found


def test_nothing_remains_after_closing(mounts: Callable[[], list[str]]) -> None:
    mounted, links = mounts(), Path("/proc/net/dev").read_text().count("\n")
    lab = build((LINK,), PLACES[:2])
    spaces = {
        str(Path(f"/proc/{host.pid}/ns/{kind}").readlink()) for host in lab.hosts for kind in ("net", "mnt", "pid")
    }
    lab.host("alpha").start(python("import os,time; os.fork() and os._exit(0); os.setsid(); time.sleep(60)")).wait(5)
    assert any("time.sleep" in one.command for one in processes(lab.host("alpha")))  # a daemon of its own session

    there = inhabitants(spaces)
    assert there

    lab.close()

    assert not left(there)
    assert mounts() == mounted
    assert Path("/proc/net/dev").read_text().count("\n") == links


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_remains_when_the_driver_is_killed(number: int) -> None:
    driver = (
        "import os, signal, sys, time\n"
        "from ipaddress import IPv4Network\n"
        "from gridwire.lab.topology import Link, Place, build\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it\n"
        "lab = build((Link(name='one', prefix=IPv4Network('203.0.113.0/24')),), "
        "(Place(host='alpha', link='one', number=7),))\n"
        "lab.host('alpha').start(['sleep', '60'])\n"
        "print(*(os.readlink(host.netns) for host in lab.hosts), flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", driver], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with process.stdout:
        spaces = set(process.stdout.readline().decode().split())
    there = inhabitants(spaces)
    assert len(there) >= 2
    start = time.monotonic()

    process.send_signal(number)
    process.wait(5)

    until(lambda: not left(there), "all of the hosts to be gone", timeout=10)
    assert time.monotonic() - start < 10


def test_nothing_of_a_grid_of_the_real_hosts_is_seen_in_a_host() -> None:
    state = Path("/var/lib/gridwire")
    made = not state.exists()
    state.mkdir(exist_ok=True)
    marker = state / f"of-the-real-host-{os.getpid()}"
    marker.touch()
    try:
        built = build((LINK,), PLACES[:1])
        try:
            seen = built.host("alpha").root / "var/lib/gridwire"
            assert list(seen.iterdir()) == []
            (seen / "own").touch()
        finally:
            built.close()
        assert not (state / "own").exists()
    finally:
        marker.unlink()
        if made:
            state.rmdir()
