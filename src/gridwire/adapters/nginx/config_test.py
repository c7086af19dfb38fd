"""`nginx -t` without its dangers: a network namespace of its own, no privileges, no keys in sight.

In the host's namespace a test with `reuseport` steals live connections, and as root a hostile directive runs as
root (CVE-2025-1974); here it can bind, read and write nothing that matters.
"""

from __future__ import annotations

import pwd
import subprocess
import sys
from pathlib import Path

from gridwire.core.errors import Invalid, Unavailable

_SECONDS = 20


def test_config(binary: str, config: str, *, covers: tuple[str, ...], user: str) -> None:
    """Test the file ``config``; raise Invalid with nginx's own words where it refuses.

    ``covers``: the directories of logs, state and sockets, hidden from the test under empty ones; ``user``: whom
    the test runs as. Raise Unavailable where the test itself cannot be run.
    """
    account = _account(user)
    sandbox = str(Path(__file__).with_name("sandbox.py"))
    for cover in covers:
        Path(cover).mkdir(parents=True, exist_ok=True, mode=0o755)
    command = ["unshare", "--net", "--mount", "--propagation", "private", "--", sys.executable, "-I", "-S", sandbox]
    command += [str(account.pw_uid), str(account.pw_gid), ":".join(covers), binary, config]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"nginx's configuration could not be tested: {error}") from error
    if done.returncode == 0:
        return
    said = [line for line in done.stderr.splitlines() if "[emerg]" in line or "[error]" in line]
    if not said:
        raise Unavailable(
            f"nginx's configuration could not be tested: {done.stderr.strip()[-300:] or done.returncode}",
            fix="the agent needs CAP_SYS_ADMIN to make a private network namespace for the test",
        )
    raise Invalid("nginx.conf", said[0], fix="the configuration in force is kept")


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise Unavailable(f"there is no user {user}", fix=f"adduser --system --group --no-create-home {user}") from None
