"""Becomes a child of `gridwire up`: run as a script, not imported.

    python -S -E shim.py PARENT_PID FD,FD|- NAME:NAME|- PROGRAM ARG…

It asks for SIGTERM at the parent's death, so that a supervisor that is killed leaves nothing running, and hands
descriptors on as sd_listen_fds(3) wants them: from 3 on, LISTEN_PID being the process's own id, which no parent
knows before the fork.
"""

import ctypes
import fcntl
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
FIRST = 3


def main(argv: list[str]) -> None:
    parent, descriptors, names, program = int(argv[1]), argv[2], argv[3], argv[4:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)  # it died before we asked
    if descriptors != "-":
        given = [int(text) for text in descriptors.split(",")]
        # Out of the way first: one of them may stand where another must go.
        moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST + len(given)) for fd in given]
        for place, fd in enumerate(moved, FIRST):
            os.dup2(fd, place, inheritable=True)
            os.close(fd)
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(given))
        os.environ["LISTEN_FDNAMES"] = names
    os.execvp(program[0], program)  # noqa: S606  # argv, no shell


if __name__ == "__main__":
    main(sys.argv)
