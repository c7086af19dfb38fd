"""What `gridwire uninstall` takes back besides units; with --purge also all that was kept."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridwire.adapters import firewalls, systemd
from gridwire.adapters.accounts import remove_user, user_exists
from gridwire.adapters.files import read_hosts, write_hosts
from gridwire.adapters.wireguard import remove_device
from gridwire.agent.guard import remove_guard
from gridwire.core import paths
from gridwire.core.hosts import parse_hosts, render_hosts
from gridwire.core.names import HostName, Interface
from gridwire.core.settings import Settings

# packaging/prerequisites.sh writes it: one line for each service of others that it masked, since it brought it.
BROUGHT: Final = "brought"
_WIREGUARD_SOCKETS: Final = "/run/wireguard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``what`` it does, for a person; ``run`` raises GridwireError."""

    what: str
    run: Callable[[], object]


def steps(
    settings: Settings, settings_file: str, interface: Interface | None, suffix: HostName, *, purge: bool
) -> list[Step]:
    """What is there to be taken back now, in order. Units are stopped before; nothing is changed yet.

    ``interface`` none: the mesh's device is not gridwire's to remove.
    """
    found = list(_standing(settings, interface, suffix))
    return found + list(_kept(settings, settings_file)) if purge else found


def _standing(settings: Settings, interface: Interface | None, suffix: HostName) -> Iterator[Step]:
    # The guard last: as long as there is a mesh address, it stands.
    if interface is not None:
        yield Step(what=f"remove the device {interface}", run=lambda: _remove_device(interface))
    yield Step(what="remove the guard: packet rules, routing rules, kernel settings as before", run=remove_guard)
    hosts = Path(paths.HOSTS)
    if parse_hosts(read_hosts(hosts) or "", suffix).entries:
        yield Step(what=f"remove gridwire's names from {hosts}", run=lambda: _remove_names(hosts, suffix))
    undone = [shlex.join(firewalls.undoing(argv) or ("(by hand) undo", *argv)) for argv in firewalls.opened()]
    if undone:
        yield Step(what=f"close what was opened for gridwire: {'; '.join(undone)}", run=firewalls.close)
    run = Path(settings.paths.run)
    yield Step(what=f"remove {run}", run=lambda: _remove_tree(run))


def _kept(settings: Settings, settings_file: str) -> Iterator[Step]:
    for service in _brought(settings):
        yield Step(
            what=f"unmask {service}, which came with gridwire's prerequisites; it is not started",
            run=lambda service=service: systemd.mask_removed(service),  # type: ignore[misc]  # bound at once
        )
    for folder in (settings.paths.state, settings.paths.logs):
        if Path(folder).exists():
            yield Step(what=f"remove {folder}", run=lambda folder=folder: _remove_tree(Path(folder)))  # type: ignore[misc]
    file = Path(settings_file)
    if file.exists():
        yield Step(what=f"remove {file}", run=lambda: _remove_settings(file))
    for user in (paths.CONTROL_USER, paths.NGINX_USER):
        if user_exists(user):
            yield Step(what=f"remove the user {user}", run=lambda user=user: remove_user(user))  # type: ignore[misc]


def _brought(settings: Settings) -> list[str]:
    try:
        return (Path(paths.STATE) / BROUGHT).read_text("ascii").split()
    except OSError:
        return []


def _remove_device(interface: Interface) -> None:
    remove_device(interface)
    with suppress(OSError):  # others' devices have their sockets there
        Path(_WIREGUARD_SOCKETS).rmdir()


def _remove_names(hosts: Path, suffix: HostName) -> None:
    write_hosts(hosts, render_hosts(read_hosts(hosts) or "", (), suffix))


def _remove_tree(folder: Path) -> None:
    """Never across a mount: rmtree would empty another file system."""
    if folder.is_mount():
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _remove_settings(file: Path) -> None:
    file.unlink(missing_ok=True)
    with suppress(OSError):  # something of the operator's is there besides
        file.parent.rmdir()
