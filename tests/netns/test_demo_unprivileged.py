"""The demo of a user who is not root and has no sudo: the same grid, in a user namespace; nothing remains."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridwire.lab import kept
from gridwire.lab.grid import EDGES
from gridwire.lab.host import closed_directories
from gridwire.lab.waiting import until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a user for a while"),
    pytest.mark.skipif(shutil.which("newuidmap") is None, reason="newuidmap is missing (apt install uidmap)"),
    pytest.mark.xdist_group("demo"),
]
GRIDWIRE = ["/mnt/venv/bin/python", "-m", "gridwire.cli.main"]  # in the user's home, which is closed to others
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))  # each has a user of its own
NAME, UID, SUBORDINATE = "visitor", 58_811 + _WORKER, 1_900_000_000 + 65_536 * _WORKER
IDS = {UID, *range(SUBORDINATE, SUBORDINATE + 65_536)}


@dataclass(frozen=True, slots=True)
class Machine:
    """Mounts in which ``visitor`` is a user of this machine; ``pid`` holds them. ``before``: what lay in /tmp."""

    pid: int
    before: frozenset[str]

    def argv(self, *command: str, chroot: bool = False) -> list[str]:
        """``command`` as that user, with nothing of this process's environment but PATH and the locale."""
        kept_path = f"PATH={os.environ['PATH']}"
        runtime = f"XDG_RUNTIME_DIR=/run/user/{UID}"
        as_user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--"]
        plain = ["env", "-i", kept_path, runtime, "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", *command]
        entered = ["nsenter", "--target", str(self.pid), "--mount", "--root", "--wd=/", "--"]
        if not chroot:
            return [*entered, *as_user, *plain]
        bound = 'mkdir -p /run/chroot && mount --rbind / /run/chroot && exec chroot /run/chroot "$@"'
        return [*entered, "unshare", "--mount", "sh", "-ec", bound, "sh", *as_user, *plain]

    def run(self, *command: str, chroot: bool = False, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        argv = self.argv(*command, chroot=chroot)
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)

    def write(self, path: str, text: str) -> None:
        """Root's own word on this machine, as in /etc/subuid."""
        Path(f"/proc/{self.pid}/root{path}").write_text(text)

    def hide(self, path: str) -> None:
        """Something that cannot be run lies there, on this machine."""
        mount = ["mount", "--bind", "/dev/null", path]
        subprocess.run(["nsenter", "--target", str(self.pid), "--mount", "--root", "--", *mount], check=True)


@pytest.fixture
def machine() -> Iterator[Machine]:
    script = Path(__file__).with_name("unprivileged_machine.py")
    wanted = {"name": NAME, "uid": UID, "subordinate": SUBORDINATE, "opened": closed_directories()}
    argv = ["unshare", "--mount", "--propagation", "private", "--", sys.executable, str(script), json.dumps(wanted)]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder.stdin, holder.stdout:
        assert holder.stdout.readline() == "ready\n"
        yield Machine(holder.pid, frozenset(files()))
        for pid in processes():  # a kept grid's, where a test failed
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    holder.wait(10)


def processes() -> set[int]:
    """Pids of the user's and of the subordinate ids'."""
    found = set()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid in IDS:
                found.add(int(entry.name))
    return found


def files() -> set[str]:
    """What lies in /tmp and is the user's or a subordinate id's."""
    found = set()
    for entry in Path("/tmp").iterdir():
        with suppress(OSError):
            if entry.lstat().st_uid in IDS:
                found.add(entry.name)
    return found


def nothing_remains(machine: Machine) -> None:
    until(lambda: not processes(), "the user's processes to be gone", timeout=10)
    assert files() <= machine.before
    assert list(Path(f"/proc/{machine.pid}/root/run/user/{UID}").iterdir()) == []


@pytest.mark.timeout(300)
def test_a_user_without_root_meets_the_goals_and_leaves_nothing(
    machine: Machine, mounts: Callable[[], list[str]]
) -> None:
    before = Path("/proc/net/dev").read_text().count("\n"), mounts()

    done = machine.run(*GRIDWIRE, "demo", "--only", "join,spread,perimeter", "-o", "json", timeout=280)

    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [(proof["id"], proof["ok"]) for proof in shown["proofs"]] == [
        ("join", True),
        ("spread", True),
        ("perimeter", True),
    ]
    assert not any(kept.start_ticks(host["pid"]) for host in shown["hosts"])
    nothing_remains(machine)
    assert (Path("/proc/net/dev").read_text().count("\n"), mounts()) == before


@pytest.mark.timeout(300)
def test_a_kept_grid_of_a_users_can_be_reached_entered_and_ended(machine: Machine) -> None:
    argv = [*GRIDWIRE, "demo", "--only", "join", "--keep", "--serve", "127.0.0.1:0"]

    done = machine.run(*argv, timeout=250)

    assert done.returncode == 0, done.stderr
    port = re.search(r"localhost:(\d+)", done.stderr)
    assert port is not None
    request = urllib.request.Request(f"http://127.0.0.1:{port[1]}/", headers={"Host": f"api.localhost:{port[1]}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["edge"] in EDGES
    record = Path(f"/proc/{machine.pid}/root/run/user/{UID}/gridwire-lab")
    assert record.stat().st_mode & 0o777 == 0o700
    listed = json.loads(machine.run(*GRIDWIRE, "lab", "list", "-o", "json").stdout)
    assert {host["name"] for host in listed} >= set(EDGES)
    users = machine.run(*GRIDWIRE, "lab", "exec", "gateway", "--", "ps", "-eo", "user:20,comm")
    assert re.search(r"^gridwire-nginx +nginx$", users.stdout, re.MULTILINE), users.stderr
    assert re.search(r"^gridwire +", users.stdout, re.MULTILINE)
    entered = machine.run(*GRIDWIRE, "lab", "exec", "edge-1", "--", "sh", "-c", "hostname; id -u; exit 7")
    assert (entered.stdout.split(), entered.returncode) == (["edge-1", "0"], 7)

    ended = machine.run(*GRIDWIRE, "lab", "down")

    assert ended.returncode == 0, ended.stderr
    nothing_remains(machine)


@pytest.mark.timeout(120)
def test_ctrl_c_takes_a_users_grid_away(machine: Machine) -> None:
    argv = machine.argv("env", "--default-signal=INT", *GRIDWIRE, "demo", "--only", "join")  # see test_demo_run.py
    demo = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert demo.stderr is not None
    with demo.stderr:
        assert any(b"joining" in line for line in demo.stderr)
        demo.send_signal(signal.SIGINT)  # nsenter, setpriv and env became the demo
        demo.stderr.read()

    assert demo.wait(30) == 130
    nothing_remains(machine)


def test_a_user_sees_the_weak_host(machine: Machine) -> None:
    done = machine.run(*GRIDWIRE, "demo", "weak-host", "-o", "json")

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["bare"], seen["guarded"]) == (200, None)
    nothing_remains(machine)


def test_the_list_says_that_neither_root_nor_sudo_is_needed(machine: Machine) -> None:
    said = machine.run(*GRIDWIRE, "demo", "--list").stdout

    assert "Neither root nor sudo is needed here" in said
    assert machine.run(*GRIDWIRE, "demo", "--needs").stdout == "nothing\n"
    nothing_remains(machine)


@pytest.mark.parametrize("what", ["no mappers", "no ids", "no namespaces"])
def test_what_is_missing_is_named_with_what_to_do(what: str, machine: Machine) -> None:
    if what == "no mappers":
        for program in ("newuidmap", "newgidmap"):
            machine.hide(shutil.which(program) or "")
    elif what == "no ids":
        for file in ("/etc/subuid", "/etc/subgid"):
            machine.write(file, "another:100000:65536\n")

    chroot = what == "no namespaces"  # which the kernel refuses to whoever is in a chroot (user_namespaces(7))
    done = machine.run(*GRIDWIRE, "demo", "--only", "join", chroot=chroot)
    needs = machine.run(*GRIDWIRE, "demo", "--needs", chroot=chroot)

    assert (done.returncode, done.stdout) == (4, "")
    said, fix = {
        "no mappers": ("newuidmap and newgidmap are not installed", "sudo apt install uidmap"),
        "no ids": ("/etc/subuid and /etc/subgid give visitor fewer", "usermod --add-subuids 165536-231071 --add-subg"),
        "no namespaces": ("refuses user namespaces", "sudo /mnt/venv/bin/gridwire demo"),
    }[what]
    assert said in done.stderr
    assert fix in done.stderr
    assert "sudo " in done.stderr
    assert needs.stdout == "sudo\n"
