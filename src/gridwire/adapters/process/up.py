"""What `gridwire up` runs: siblings in the foreground, in any order, and the two sockets that control is given."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Final, NoReturn

from gridwire.core import paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program to keep running. ``oneshot``: run until it succeeds once. ``sockets``: it gets control's two.

    It is started as it is, with no environment of its own: no secret travels that way. ``nice``: as nice(1) has it, 0
    to 19, of CPU time beside its siblings.
    """

    name: str
    argv: tuple[str, ...]
    oneshot: bool = False
    sockets: bool = False
    nice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSpec:
    """``control_socket`` is bound 0660 to ``control_group``, ``local_socket`` 0600; neither where no child wants them.

    Seconds: a child that lived for ``settled`` is started again at once; else ``first_pause`` doubles to
    ``longest_pause`` between restarts. ``grace`` is from SIGTERM to SIGKILL.
    """

    children: tuple[Child, ...]
    control_socket: str = paths.CONTROL_SOCKET
    local_socket: str = paths.LOCAL_SOCKET
    control_owner: str = paths.CONTROL_USER
    control_group: str = paths.NGINX_USER
    first_pause: float = 0.1
    longest_pause: float = 2.0
    settled: float = 3.0
    grace: float = 8.0


CHILDREN: Final = "--children"
"""`gridwire up --children SPEC` is what `gridwire up` becomes when it knows what to run."""


def to_text(spec: UpSpec) -> str:
    return json.dumps(asdict(spec))


def from_text(text: str) -> UpSpec:
    found = json.loads(text)
    children = tuple(Child(**{**child, "argv": tuple(child["argv"])}) for child in found.pop("children"))
    return UpSpec(children=children, **found)


def become_supervisor(spec: UpSpec) -> NoReturn:
    """Run the supervisor in a Python that has loaded nothing else: what settings and the command line's parser want
    would stay in memory for as long as the children live, 20 MB for nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    argv = (sys.executable, "-P", "-m", "gridwire.cli.main", "up", CHILDREN, to_text(spec))
    os.execv(sys.executable, argv)  # noqa: S606  # argv, no shell
