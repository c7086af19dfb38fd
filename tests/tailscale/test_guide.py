"""docs/guides/tailscale.md, executed as written on hosts that are on a tailnet."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tailnet import Tailnet, make

from gridwire.lab.host import environment

pytestmark = [pytest.mark.tailscale, pytest.mark.slow, pytest.mark.timeout(300)]

GUIDE = Path(__file__).parents[2] / "docs/guides/tailscale.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?P<host>[a-z0-9-]+)# (?P<command>.+)$")
_STAY = ("gridwire up", "python3 -m http.server")  # in the foreground, in a terminal of their own


def commands() -> list[tuple[str, str]]:
    """(host, command), in the order of the guide."""
    lines = [line for block in _BLOCK.findall(GUIDE.read_text()) for line in block.splitlines()]
    found = [_LINE.match(line) for line in lines]
    assert all(found), "the guide has lines in its consoles that are no commands"
    return [(match["host"], match["command"]) for match in found if match]


@pytest.fixture
def hosts(programs: Path) -> Iterator[Tailnet]:
    tags = {"gateway": "tag:gateway", "home-1": "tag:edge", "laptop": None, "phone": None}
    tailnet = make(programs, tuple(tags))
    try:
        for name, tag in tags.items():
            tailnet.start_tailscaled(name)
            tailnet.log_in(name, *(() if tag is None else (f"--advertise-tags={tag}",)))
        yield tailnet
    finally:
        tailnet.lab.close()


def test_every_command_of_the_guide_does_what_it_says(hosts: Tailnet, programs: Path) -> None:
    env = {"PATH": f"{programs}:{environment()['PATH']}"}
    said: dict[str, str] = {}
    for number, (name, command) in enumerate(commands()):
        host = hosts.host(name)
        argv = ["sh", "-c", command]
        if command.startswith(_STAY):
            host.start_logged(["env", f"PATH={env['PATH']}", *argv], Path(f"/var/log/terminal-{number}.log"))
            continue
        done: subprocess.CompletedProcess[str] = host.run(argv, env=env, check=False, timeout=60)
        assert done.returncode == 0, f"{name}# {command}\n{done.stdout}{done.stderr}"
        said[command] = done.stdout
    assert "tcp dport" in said["nft list table inet gridwire"]
    assert "ipproto tcp dport 2087 blackhole" in said["ip rule"]
    assert hosts.get("phone", hosts.addresses("gateway")[0])[0] == 200
    gone = hosts.run("laptop", "curl", "-sS", "-m", "2", "http://api.grid/", check=False)
    assert gone == ""
