"""The foreground supervisor: siblings, each in a session of its own, restarted whenever they end.

No child waits for another here: whoever needs something that is late waits for it. In production systemd does
this work.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from gridwire.adapters.process import shim
from gridwire.adapters.process.listeners import bind_unix
from gridwire.adapters.process.up import Child, UpSpec

_LONGEST_LINE = 64 * 1024
_PIPE_PATIENCE = 0.5  # seconds for what a dead child wrote last; a grandchild may hold the pipe for ever


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


class Supervisor:
    """``run()`` returns after SIGTERM or SIGINT, when every child and what it started is gone."""

    def __init__(self, spec: UpSpec, write: Callable[[str], None] = _to_stderr) -> None:
        self._spec = spec
        self._write = write
        self._width = max((len(child.name) for child in spec.children), default=0)
        self._sockets: tuple[socket.socket, ...] = ()
        self._stopping = asyncio.Event()
        self.running: dict[str, int] = {}  # name → pid of the session's leader
        self.restarts: dict[str, int] = {child.name: 0 for child in spec.children}

    def run(self) -> None:
        """Raise Conflict or Unavailable where control's sockets cannot be bound; nothing was started then."""
        asyncio.run(self.main())

    def stop(self) -> None:
        self._stopping.set()

    async def main(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            self._bind()
            async with asyncio.TaskGroup() as group:
                for child in self._spec.children:
                    group.create_task(self._keep(child), name=child.name)
        finally:
            self._unbind()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _bind(self) -> None:
        if any(child.sockets for child in self._spec.children):
            spec = self._spec
            control = bind_unix(spec.control_socket, 0o660, owner=spec.control_owner, group=spec.control_group)
            self._sockets = (control,)
            self._sockets = (control, bind_unix(spec.local_socket, 0o600))

    def _unbind(self) -> None:
        for listener in self._sockets:
            path = listener.getsockname()
            listener.close()
            Path(path).unlink(missing_ok=True)
        self._sockets = ()

    async def _keep(self, child: Child) -> None:
        pause = self._spec.first_pause
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            code = await self._once(child)
            if self._stopping.is_set() or (child.oneshot and code == 0):
                return
            lived = asyncio.get_running_loop().time() - began
            self.restarts[child.name] += 1
            if lived >= self._spec.settled:
                pause = self._spec.first_pause
                self._say(child, f"ended with {_ending(code)}; again at once")
                continue
            self._say(child, f"ended with {_ending(code)}; again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, self._spec.longest_pause)

    async def _once(self, child: Child) -> int:
        descriptors = [listener.fileno() for listener in self._sockets] if child.sockets else []
        try:
            process = subprocess.Popen(  # noqa: ASYNC220  # milliseconds, and asyncio's own would wait for the pipe
                self._argv(child, descriptors),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=descriptors,
            )
        except OSError as error:  # no process, no memory: as a child that ended at once
            self._say(child, f"cannot be started: {error.strerror}")
            return 127
        self.running[child.name] = process.pid
        if child.nice:
            _give_way(process.pid, child.nice)
        assert process.stdout is not None
        pump = asyncio.create_task(self._pump(child, process.stdout))
        try:
            async with _ended(process.pid) as ended:
                stop: asyncio.Task[bool] = asyncio.create_task(self._stopping.wait())
                await asyncio.wait({ended, stop}, return_when=asyncio.FIRST_COMPLETED)
                stop.cancel()
                if not ended.done():
                    _signal_group(process.pid, signal.SIGTERM)
                    await asyncio.wait({ended}, timeout=self._spec.grace)
        finally:
            # Not reaped yet, so the group is still its own. Also what a dead child left is ended: nginx's workers
            # outlive a master that was killed.
            _signal_group(process.pid, signal.SIGKILL)
            code = process.wait()
            self.running.pop(child.name, None)
            await asyncio.wait({pump}, timeout=_PIPE_PATIENCE)
            pump.cancel()
            process.stdout.close()
        return code

    def _argv(self, child: Child, descriptors: list[int]) -> list[str]:
        numbers = ",".join(map(str, descriptors)) or "-"
        names = "control:local" if descriptors else "-"
        return [sys.executable, "-S", "-E", shim.__file__, str(os.getpid()), numbers, names, *child.argv]

    async def _pump(self, child: Child, pipe: IO[bytes]) -> None:
        stream = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        try:
            while True:
                try:
                    line = await stream.readline()
                except ValueError:  # longer than a line may be; what follows comes as the next
                    line = b"(a line of more than 64 KiB was left out)"
                if not line:
                    return
                self._say(child, line.decode("utf-8", "replace").rstrip("\r\n"))
        finally:
            transport.close()

    def _say(self, child: Child, text: str) -> None:
        self._write(f"{child.name:<{self._width}} | {text}\n")


@asynccontextmanager
async def _ended(pid: int) -> AsyncIterator[asyncio.Task[bool]]:
    """A task that is done at the end of a child that nobody reaps meanwhile.

    asyncio's own wait() waits for the child's pipes too, and a grandchild may hold them for ever.
    """
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    descriptor = os.pidfd_open(pid)
    loop.add_reader(descriptor, event.set)
    ended = asyncio.create_task(event.wait())
    try:
        yield ended
    finally:
        ended.cancel()
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _give_way(leader: int, nice: int) -> None:
    """Where sessions are scheduled as groups, the kernel's default, niceness counts only within one: the group has its
    own (sched(7), autogroup)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, leader, nice)
        Path(f"/proc/{leader}/autogroup").write_text(str(nice))


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
