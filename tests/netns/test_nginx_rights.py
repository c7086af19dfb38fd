"""`nginx -t` with no more capabilities than the agent's unit leaves it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridwire.adapters.nginx import find_nginx
from gridwire.adapters.systemd import template
from gridwire.lab.nginx_pair import open_folder

pytestmark = pytest.mark.netns

RUN = """
import sys
from gridwire.adapters.nginx import test_config
binary, config, state, logs = sys.argv[1:]
test_config(binary, config, covers=(state, logs), user="www-data")
"""
TEXT = """
pid STATE/nginx.pid;
error_log LOGS/error.log;
events {}
http {
  access_log LOGS/access.log;
  client_body_temp_path STATE/temp/1; proxy_temp_path STATE/temp/2; fastcgi_temp_path STATE/temp/3;
  uwsgi_temp_path STATE/temp/4; scgi_temp_path STATE/temp/5;
  server { listen 10.85.0.1:80; listen unix:STATE/door/x.sock; }
}
"""


# As a container's /proc/sys is; the test's own network namespace has settings of its own in it all the same.
READ_ONLY = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.mark.parametrize("before", [[], ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh"]], ids=["host", "container"])
def test_the_agents_capabilities_are_enough_to_test_a_configuration(folder: Path, before: list[str]) -> None:
    unit = template("gridwire-agent.service")
    found = re.search(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
    assert found
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in found[1].split())
    state, logs = folder / "state", folder / "logs"
    for own in (state, logs):
        own.mkdir(mode=0o700)
    config = state / "nginx.conf"
    config.write_text(TEXT.replace("STATE", str(state)).replace("LOGS", str(logs)))
    config.chmod(0o600)
    words = [find_nginx().binary, str(config), str(state), str(logs)]
    argv = [
        *before,
        "setpriv",
        f"--bounding-set=-all,{kept}",
        "--no-new-privs",
        "--",
        sys.executable,
        "-c",
        RUN,
        *words,
    ]
    done = subprocess.run([*before, *argv], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
