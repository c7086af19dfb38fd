"""Siblings in the foreground, with toy programs that crash, hang, come late and leave others behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gridwire.adapters.process import Child, Supervisor, UpSpec
from gridwire.adapters.process.foreground import supervises
from gridwire.adapters.process.listeners import bind_unix
from gridwire.core.errors import Conflict, Unavailable


def toy(name: str, code: str, *, oneshot: bool = False, sockets: bool = False) -> Child:
    argv = (sys.executable, "-S", "-E", "-c", textwrap.dedent(code))
    return Child(name=name, argv=argv, oneshot=oneshot, sockets=sockets)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def supervising(*children: Child, folder: Path, **more: object) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    lines: list[str] = []
    spec = UpSpec(
        children=children,
        control_socket=str(folder / "control.sock"),
        local_socket=str(folder / "local.sock"),
        control_owner="root",
        control_group="root",
        **{"first_pause": 0.02, "longest_pause": 0.1, "grace": 1.0} | more,  # type: ignore[arg-type]
    )
    supervisor = Supervisor(spec, lines.append)
    task = asyncio.create_task(supervisor.main())
    try:
        yield supervisor, lines
    finally:
        supervisor.stop()
        await asyncio.wait_for(task, 10)
        assert supervisor.running == {}


SLEEP = "import time\nwhile True: time.sleep(60)"


def test_a_child_that_is_to_give_way_does_so_beside_its_siblings_sessions(tmp_path: Path) -> None:
    async def scene() -> None:
        behind = replace(toy("behind", SLEEP), nice=10)
        async with supervising(behind, toy("first", SLEEP), folder=tmp_path) as (supervisor, _):
            await until(lambda: len(supervisor.running) == 2)
            nice = {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in supervisor.running.items()}
            assert nice == {"behind": 10, "first": os.getpriority(os.PRIO_PROCESS, 0)}
            groups = {name: Path(f"/proc/{pid}/autogroup") for name, pid in supervisor.running.items()}
            if groups["behind"].exists():  # a kernel without CONFIG_SCHED_AUTOGROUP has no such file
                assert groups["behind"].read_text().split()[-1] == "10"
                assert groups["first"].read_text().split()[-1] == "0"

    asyncio.run(scene())


def test_a_child_that_ends_is_started_again_and_its_lines_are_prefixed(tmp_path: Path) -> None:
    async def scene() -> None:
        child = toy("crash", "import os\nprint('hello', os.getpid(), flush=True)\nraise SystemExit(3)")
        async with supervising(child, toy("still", SLEEP), folder=tmp_path) as (supervisor, lines):
            await until(lambda: supervisor.restarts["crash"] >= 3)
            assert supervisor.restarts["still"] == 0
            hellos = [line for line in lines if line.startswith("crash | hello")]
            assert len(set(hellos)) >= 3
            assert any("ended with exit code 3" in line for line in lines)

    asyncio.run(scene())


def test_a_oneshot_is_tried_until_it_succeeds_and_then_left(tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    async def scene() -> None:
        code = f"import os\nif not os.path.exists({str(flag)!r}): raise SystemExit(1)\nprint('loaded')"
        guard = toy("guard", code, oneshot=True)
        async with supervising(guard, toy("still", SLEEP), folder=tmp_path) as (supervisor, lines):
            await until(lambda: supervisor.restarts["guard"] >= 2)
            flag.touch()
            await until(lambda: "guard | loaded\n" in lines and "guard" not in supervisor.running)
            os.kill(supervisor.running["still"], signal.SIGKILL)
            await until(lambda: supervisor.restarts["still"] == 1 and "still" in supervisor.running)
            assert lines.count("guard | loaded\n") == 1
            assert "guard" not in supervisor.running

    asyncio.run(scene())


def test_what_a_killed_child_leaves_behind_is_killed_too(tmp_path: Path) -> None:
    """As nginx's workers, which outlive a master that was killed."""
    pids = tmp_path / "pids"
    code = f"""
    import os, time
    worker = os.fork()
    if worker == 0:
        time.sleep(600)
    with open({str(pids)!r}, "a") as file:
        print(os.getpid(), worker, file=file)
    time.sleep(600)
    """

    def pairs() -> list[list[int]]:
        if not pids.exists():
            return []
        return [list(map(int, line.split())) for line in pids.read_text().splitlines()]

    async def scene() -> None:
        async with supervising(toy("nginx", code), folder=tmp_path) as (_, lines):
            await until(lambda: len(pairs()) == 1)
            master, worker = pairs()[0]
            assert alive(worker)
            os.kill(master, signal.SIGKILL)
            await until(lambda: len(pairs()) == 2)
            assert not alive(worker)
            assert any("signal SIGKILL" in line for line in lines)
        assert not any(alive(pid) for pair in pairs() for pid in pair), "stopping leaves nothing"

    asyncio.run(scene())


def test_a_child_that_ignores_sigterm_is_killed_in_a_bounded_time(tmp_path: Path) -> None:
    async def scene() -> None:
        code = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('on', flush=True)\ntime.sleep(600)"
        async with supervising(toy("deaf", code), folder=tmp_path, grace=0.3) as (supervisor, lines):
            await until(lambda: any("on" in line for line in lines))
            pid = supervisor.running["deaf"]
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 2
        assert not alive(pid)

    asyncio.run(scene())


CONTROL = """
import os, socket, sys, time
assert os.environ["LISTEN_PID"] == str(os.getpid()) and os.environ["LISTEN_FDS"] == "2"
assert os.environ["LISTEN_FDNAMES"] == "control:local"
server = socket.socket(fileno=3)
assert socket.socket(fileno=4).getsockname().endswith("local.sock")
while True:
    peer, _ = server.accept()
    peer.sendall(b"%d" % os.getpid())
    peer.close()
"""


def ask(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        return int(client.recv(100))


def test_no_connection_is_refused_while_control_restarts(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def scene() -> None:
        async with supervising(toy("control", CONTROL, sockets=True), folder=tmp_path) as (supervisor, _):
            await until(lambda: supervisor.running)
            answers = []
            for _ in range(5):
                pid = await asyncio.to_thread(ask, path)
                answers.append(pid)
                os.kill(pid, signal.SIGKILL)
                await until(lambda pid=pid: not alive(pid))  # what it had accepted dies with it
                answers.append(await asyncio.to_thread(ask, path))
            assert len(set(answers)) >= 5
            assert supervisor.restarts["control"] >= 5
        assert not path.exists()

    asyncio.run(scene())


def test_the_sockets_have_their_modes_and_an_ordinary_child_has_none(tmp_path: Path) -> None:
    async def scene() -> None:
        code = "import os\nprint(sorted(os.listdir('/proc/self/fd')), 'LISTEN_FDS' in os.environ, flush=True)\n" + SLEEP
        children = (toy("control", CONTROL, sockets=True), toy("other", code))
        async with supervising(*children, folder=tmp_path) as (_, lines):
            await until(lambda: any(line.startswith("other") for line in lines))
            assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o660
            assert (tmp_path / "local.sock").stat().st_mode & 0o777 == 0o600
            (line,) = [line for line in lines if line.startswith("other")]
            assert "['0', '1', '2', '3'] False" in line  # 3: the listing itself

    asyncio.run(scene())


def test_a_second_supervisor_does_not_take_the_sockets_of_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    with bind_unix(path, 0o600) as first:
        with pytest.raises(Conflict, match="another process listens"):
            bind_unix(path, 0o600)
        assert first.getsockname() == path
    with bind_unix(path, 0o600):  # a left-over of a dead process is no hindrance
        pass
    Path(path).unlink()
    Path(path).write_text("mine")
    with pytest.raises(Conflict, match="not a socket"):
        bind_unix(path, 0o600)
    with pytest.raises(Unavailable, match="no group"):
        bind_unix(str(tmp_path / "t.sock"), 0o660, group="no-such-group")


@pytest.mark.parametrize("seed", range(4))
def test_whatever_order_and_however_late_they_all_come_to_work(tmp_path: Path, seed: int) -> None:
    """Each needs files of others, waits for some, crashes over others and is killed once: an order-free start."""
    chance = random.Random(seed)
    names = ["guard", "mesh", "nginx", "control", "agent"]
    needs = {"guard": [], "mesh": [], "nginx": ["guard", "mesh"], "control": [], "agent": ["control", "guard"]}

    def code(name: str) -> str:
        return f"""
        import os, sys, time
        time.sleep({chance.uniform(0, 0.3)})
        needs = [os.path.join({str(tmp_path)!r}, need) for need in {needs[name]!r}]
        if {chance.random() < 0.5} and not all(map(os.path.exists, needs)):
            raise SystemExit(1)
        while not all(map(os.path.exists, needs)):
            time.sleep(0.01)
        open(os.path.join({str(tmp_path)!r}, {name!r}), "w").close()
        if {name == "guard"}: raise SystemExit(0)
        time.sleep(600)
        """

    chance.shuffle(names)
    children = tuple(toy(name, code(name), oneshot=name == "guard") for name in names)

    async def scene() -> None:
        async with supervising(*children, folder=tmp_path) as (supervisor, _):
            victim = chance.choice(["mesh", "control", "agent"])
            await until(lambda: victim in supervisor.running)
            os.kill(supervisor.running[victim], signal.SIGKILL)
            await until(lambda: all((tmp_path / name).exists() for name in names))
            await until(lambda: set(supervisor.running) == {"mesh", "nginx", "control", "agent"})

    asyncio.run(scene())


def test_children_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = f"""
import sys
from gridwire.adapters.process import Child, Supervisor, UpSpec
code = "import os,time; open({str(tmp_path / "pid")!r}, 'w').write(str(os.getpid())); time.sleep(600)"
Supervisor(UpSpec(children=(Child(name="a", argv=(sys.executable, "-S", "-E", "-c", code)),))).run()
"""

    async def scene() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        written = tmp_path / "pid"
        await until(lambda: written.exists() and written.read_text())
        pid = int(written.read_text())
        process.kill()
        await process.wait()
        await until(lambda: not alive(pid))

    asyncio.run(scene())


def test_what_up_becomes_is_the_same_process_without_what_it_had_loaded(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    code = f"import os,time; open({str(written)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    script = f"""
import pydantic, sys
from gridwire.adapters.process import Child, UpSpec, become_supervisor
become_supervisor(UpSpec(children=(Child(name="a", argv=(sys.executable, "-S", "-E", "-c", {code!r})),)))
"""

    async def scene() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE)
        await until(lambda: written.exists() and written.read_text())
        proc = Path(f"/proc/{process.pid}")
        assert supervises((proc / "cmdline").read_text().split("\0")), "others find it as `gridwire up`"
        assert "pydantic" not in (proc / "maps").read_text()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert not alive(int(written.read_text()))

    asyncio.run(scene())
