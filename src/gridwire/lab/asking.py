"""One request at a time from a lab host, over a connection that is kept: what does the route answer now?

    python -m gridwire.lab.asking 10.85.0.1 80

takes lines ``HOST PATH`` and prints a status for each, 0 where there was none.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
from types import TracebackType

from gridwire.lab.host import CommandFailed, Host

_SECONDS = 5.0


class Asking:
    """A client at work on a lab host; use it in one thread, and close it."""

    def __init__(self, host: Host, address: str, port: int = 80) -> None:
        self._host = host
        self._argv = [sys.executable, "-m", "gridwire.lab.asking", address, str(port)]
        self._process = host.start(self._argv, stdin=subprocess.PIPE)

    def __enter__(self) -> Asking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def status(self, host: str, path: str) -> int:
        """GET; the status, 0 where nothing answered. Raise CommandFailed where the client itself broke."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{host} {path}\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline()
        except OSError:
            said = ""
        if not said:
            _, errors = self._process.communicate()
            raise CommandFailed(self._host.name, self._argv, self._process.returncode, errors)
        return int(said)


def _status(connection: http.client.HTTPConnection, host: str, path: str) -> int:
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()  # the next request opens another
        return 0
    return answer.status


def main(argv: list[str]) -> int:
    connection = http.client.HTTPConnection(argv[1], int(argv[2]), timeout=_SECONDS)
    for line in sys.stdin:
        host, path = line.split()
        print(_status(connection, host, path), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
