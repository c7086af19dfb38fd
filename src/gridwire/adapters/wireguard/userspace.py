"""wireguard-go, as a process of its own that is adopted; started here only by what brings its own device up."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress

from gridwire.adapters.wireguard import links
from gridwire.adapters.wireguard.binary import ENVIRONMENT, check_tun, version_of
from gridwire.adapters.wireguard.buffers import widen
from gridwire.adapters.wireguard.device import read_device
from gridwire.adapters.wireguard.dump import Dump
from gridwire.adapters.wireguard.linux import LinuxBackend
from gridwire.adapters.wireguard.uapi import serving_pid, socket_path
from gridwire.adapters.wireguard.wg import Wg
from gridwire.core.errors import Unavailable

START_SECONDS = 5.0
CREATE_SECONDS = 3.0


class UserspaceBackend(LinuxBackend):
    kind = "wireguard-go"

    def __init__(self, wg: Wg, binary: str) -> None:
        super().__init__(wg)
        self.binary = binary
        self._version: str | None = None
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def version(self) -> str:
        if self._version is None:
            self._version = version_of(self.binary)
        return self._version

    def dump(self, interface: str) -> Dump:
        return read_device(interface)

    def create(self, interface: str) -> None:
        deadline = time.monotonic() + CREATE_SECONDS
        while not self._ready(interface):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"nobody serves {interface}",
                    fix="start it: `gridwire mesh run`, or `systemctl start gridwire-wg@gw0`",
                    code="no-device",
                )
            time.sleep(0.01)

    def tend(self, interface: str) -> None:
        """Not once and for all: wireguard-go opens its sockets anew at another port, and when the device comes up."""
        pid = serving_pid(interface)
        if pid:  # 0: of another process namespace
            with suppress(OSError):  # not allowed here: slower, and no reason to fail
                widen(pid)

    def start(self, interface: str) -> None:
        if self._ready(interface):
            return
        check_tun()
        socket_path(interface).unlink(missing_ok=True)
        # Not a pipe: Go dies of SIGPIPE when it logs after this process has gone.
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [self.binary, "-f", interface],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                start_new_session=True,
            )
            deadline = time.monotonic() + START_SECONDS
            while not self._ready(interface):
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    process.wait()
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().splitlines()
                    raise Unavailable(
                        f"{self.binary} did not start: {said[-1] if said else 'it said nothing'}",
                        fix="check that it is a wireguard-go (mesh.wireguard_go in the settings)",
                        code="wireguard-go-failed",
                    )
                time.sleep(0.01)
        self._started[interface] = process

    def stop(self, interface: str) -> None:
        pid = serving_pid(interface)
        started = self._started.pop(interface, None)
        if pid is not None and _alive(pid):
            os.kill(pid, signal.SIGTERM)
        if started is not None:
            started.terminate()
            started.wait(START_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while serving_pid(interface) is not None and time.monotonic() < deadline:
            if pid is not None and not _alive(pid):
                links.remove_link(interface)  # one that daemonised ends when its TUN device goes
            time.sleep(0.01)
        links.remove_link(interface)
        socket_path(interface).unlink(missing_ok=True)

    def _ready(self, interface: str) -> bool:
        return serving_pid(interface) is not None and links.exists(interface)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
