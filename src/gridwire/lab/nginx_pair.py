"""Real nginx instances of ours in one private network namespace: a gateway, edges, and addresses to come from.

For tests and the bench of the data path alone: no WireGuard, no agent; mesh addresses are put on ``lo``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gridwire.adapters.nginx import Door, Launch, Nginx, PanelSource, find_nginx, place_panel, prepare
from gridwire.adapters.nginx.state_files import write_text
from gridwire.core.errors import Unavailable
from gridwire.core.panel import Built, PanelTable
from gridwire.core.proxy import EdgeTable, Listener, RoutingTable
from gridwire.render.nginx import Config, Layout, render_config
from gridwire.render.routing_data import document_text, edge_data, panel_data, routing_data

_CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """For what nginx's user reads. Not pytest's own folder: that is closed to it, and every pytest that starts closes
    it again."""
    with tempfile.TemporaryDirectory(prefix="gridwire-nginx-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Namespace:
    """A network namespace that lives as long as a process of ours in it. Enter it with ``inside``."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._holder = subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"])
        mine = Path("/proc/self/ns/net").readlink()
        path = Path(f"/proc/{self._holder.pid}/ns/net")
        until(lambda: path.readlink() != mine, "the namespace")
        self._descriptor = os.open(path, os.O_RDONLY)
        with self.inside():
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for address in addresses:
                subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and what it starts meanwhile, is in the namespace; sockets stay where they were made."""
        home = os.open(f"/proc/self/task/{_thread()}/ns/net", os.O_RDONLY)
        try:
            self._enter(self._descriptor)
            yield
        finally:
            self._enter(home)
            os.close(home)

    def _enter(self, descriptor: int) -> None:
        if self._libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise Unavailable(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}", fix="be root")

    def close(self) -> None:
        os.close(self._descriptor)
        self._holder.kill()
        self._holder.wait()


def _thread() -> int:
    import threading

    return threading.get_native_id()


def until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition; raise Unavailable naming ``what`` at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Unavailable(f"waited {seconds:g} s for {what}")
        time.sleep(0.005)


@dataclass(slots=True)
class Instance:
    """One nginx of ours with files in a folder of its own."""

    namespace: Namespace
    nginx: Nginx
    folder: Path
    config: Config
    launch: Launch
    door: Door
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.namespace.inside():
            prepare(self.launch)
            command = [self.launch.binary, "-c", self.launch.config, "-g", "daemon off;"]
            with (self.folder / "stderr").open("ab") as stderr:
                self.process = subprocess.Popen(command, stderr=stderr)
        until(self.answers, f"nginx in {self.folder.name}")

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise Unavailable(f"nginx ended: {(self.folder / 'stderr').read_text()[-2000:]}")
        try:
            return bool(self.door.state()["config"] == self.config.digest)
        except Unavailable:
            return False

    def pids(self) -> list[int]:
        """The workers' pids."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def log(self, name: str = "nginx-error.log") -> str:
        path = self.folder / "log" / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


def instance(
    namespace: Namespace,
    folder: Path,
    listeners: tuple[Listener, ...],
    *,
    routing: RoutingTable | None = None,
    edge: EdgeTable | None = None,
    panel: PanelTable | None = None,
    built: Path | None = None,
    workers: int = 1,
    user: str = "www-data",
    control_socket: str = "/nonexistent/control.sock",
) -> Instance:
    """Write an instance's files; ``start()`` runs it. ``built``: the folder of the panel that it serves."""
    nginx = find_nginx()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    state = str(folder / "state")
    layout = Layout(
        modules=nginx.modules,
        lua=nginx.lua,
        state=state,
        pid=str(folder / "run/nginx.pid"),
        door_socket=str(folder / "run/door/nginx.sock"),
        control_socket=control_socket,
        logs=str(folder / "log"),
        user=user,
        workers=workers,
    )
    config = render_config(listeners, layout)
    launch = Launch(
        binary=nginx.binary,
        config=f"{state}/nginx.conf",
        state=state,
        pid_file=layout.pid,
        door_socket=layout.door_socket,
        logs=layout.logs,
        user=user,
    )
    write_text(launch.config, config.text)
    if routing is not None:
        write_text(f"{state}/routing.json", document_text(routing_data(routing)))
    if edge is not None:
        write_text(f"{state}/edge.json", document_text(edge_data(edge)))
    told: Built | None = None
    if built is not None:
        told = PanelSource(built)()
        assert told is not None
        place_panel(built, layout.panel, told.digest)
    if panel is not None:
        write_text(f"{state}/panel.json", document_text(panel_data(panel, told)))
    return Instance(namespace, nginx, folder, config, launch, Door(layout.door_socket))
