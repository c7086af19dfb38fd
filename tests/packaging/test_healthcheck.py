"""What a container's healthcheck says, of sockets and devices that are real."""

from __future__ import annotations

import importlib.util
import socket
import threading
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "packaging/healthcheck.py"


@pytest.fixture
def check(tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.RUN, module.WIREGUARD = tmp_path, tmp_path / "wireguard"
    return module


def _answering(path: Path, status: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener.accept()[0] as asked:
            asked.recv(4096)
            asked.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_control_is_well_when_it_says_so(
    check: ModuleType, tmp_path: Path, status: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(tmp_path / "local.sock", status):
        assert check.main(["control"]) == code
    assert (capsys.readouterr().out == "well\n") == (code == 0)


def test_who_does_not_answer_is_unwell(check: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["control", "nginx"]) == 1
    said = capsys.readouterr().out
    assert "control: nobody answers" in said
    assert "nginx: nobody answers" in said


def test_a_stale_socket_is_no_device(check: ModuleType) -> None:
    check.WIREGUARD.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(check.WIREGUARD / "gw0.sock"))
    assert check.main(["mesh"]) == 1
    (check.WIREGUARD / "gw0.sock").unlink()
    with socket.socket(socket.AF_UNIX) as serving:
        serving.bind(str(check.WIREGUARD / "gw0.sock"))
        serving.listen()
        assert check.main(["mesh"]) == 0
