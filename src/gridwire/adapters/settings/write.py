"""Writing the settings file: made new by init and join, changed in place with its comments kept."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gridwire.adapters.settings.document import parse_document
from gridwire.adapters.settings.load import read, settings_of
from gridwire.core import paths
from gridwire.core.addressing import DEFAULT_PREFIX
from gridwire.core.errors import Conflict, NotFound, NotPermitted, Unavailable
from gridwire.core.settings import DEFAULT_INTERFACE, MeshSettings, PathSettings, PortSettings, Settings, TlsSettings
from gridwire.core.tailnet import DEVICE, SOCKET, Provider
from gridwire.core.targets import Reach, parse_reach

_HEAD = """\
# What this host needs to start. Services, routes and policies are not kept here: `gridwire service`, `route`, `policy`.
# After a change: restart gridwire on this host. Reference: docs/reference/settings.md
"""


def rendered(settings: Settings) -> str:
    """The file's text: what differs from the defaults, and what a reader would look for."""
    tree: dict[str, Any] = {"node": {"name": str(settings.node.name)}}
    network: dict[str, Any] = {}
    tailnet = settings.mesh.provider is Provider.TAILSCALE
    if not tailnet:
        network["prefix"] = str(settings.network.prefix)
    if settings.network.interface != (DEVICE if tailnet else DEFAULT_INTERFACE):
        network["interface"] = str(settings.network.interface)
    if settings.network.shared_address_space and not tailnet:
        network["shared_address_space"] = True
    ports = _differing(settings.network.ports, PortSettings(), ("routes", "api", "enrol", "edge", "tls", "panel"))
    if ports:
        network["ports"] = ports
    if network not in ({}, {"prefix": str(DEFAULT_PREFIX)}) or settings.endpoint is not None:
        tree["network"] = network
    if settings.endpoint is not None:
        tree["endpoint"] = settings.endpoint
    if settings.domain is not None:
        tree["domain"] = str(settings.domain)
    if settings.reach:
        tree["reach"] = [str(rule) for rule in settings.reach]
    if not settings.hosts:
        tree["hosts"] = False
    changed_paths = _differing(settings.paths, PathSettings(), ("state", "run", "logs"))
    if changed_paths:
        tree["paths"] = changed_paths
    if settings.database_url is not None:
        tree["database"] = {"url": settings.database_url}
    if mesh := _mesh(settings.mesh):
        tree["mesh"] = mesh
    if tls := _differing(settings.tls, TlsSettings(), ("mode", "certificate", "key")):
        tree["tls"] = {name: str(value) for name, value in tls.items()}
    text = io.StringIO()
    _yaml().dump(tree, text)
    return _HEAD + text.getvalue()


def _mesh(mesh: MeshSettings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if mesh.provider is not Provider.WIREGUARD:
        found["provider"] = str(mesh.provider)
    if mesh.wireguard_go is not None:
        found["wireguard_go"] = mesh.wireguard_go
    if mesh.socket != SOCKET:
        found["socket"] = mesh.socket
    if mesh.approve:
        found["approve"] = [str(selector) for selector in mesh.approve]
    return found


def create(settings: Settings, path: str | Path = paths.SETTINGS) -> None:
    """Write a new file (0644: it holds no secret); raise Conflict where there is one."""
    target = Path(path)
    if target.exists():
        raise Conflict(f"{target} is there already", fix="change it by hand, or move it away")
    _replace(target, rendered(settings))


def update(change: Callable[[CommentedMap], None], path: str | Path = paths.SETTINGS) -> Settings:
    """Apply ``change`` to the file's tree and write it back, comments kept.

    The file is judged before and after; raise Invalid, and leave it as it was, where either is wrong.
    """
    text = read(path)
    settings_of(parse_document(text, str(path)))
    yaml = _yaml()
    tree = yaml.load(text)
    if tree is None:
        tree = CommentedMap()
    change(tree)
    out = io.StringIO()
    yaml.dump(tree, out)
    settings = settings_of(parse_document(out.getvalue(), str(path)))
    if out.getvalue() != text:
        _replace(Path(path), out.getvalue())
    return settings


def add_reach(rules: tuple[Reach, ...], path: str | Path = paths.SETTINGS) -> Settings:
    """Add to the reach list what is not on it yet."""

    def change(tree: CommentedMap) -> None:
        items = tree.get("reach")
        if items is None:
            items = CommentedSeq()
            tree["reach"] = items
        present = [parse_reach(str(item)) for item in items]
        items.extend(str(rule) for rule in rules if rule not in present)

    return update(change, path)


def remove_reach(rules: tuple[Reach, ...], path: str | Path = paths.SETTINGS) -> Settings:
    """Raise NotFound, and change nothing, where one of them is not on the list."""

    def change(tree: CommentedMap) -> None:
        items = tree.get("reach") or CommentedSeq()
        present = [parse_reach(str(item)) for item in items]
        for rule in rules:
            if rule not in present:
                raise NotFound(f"{rule} is not on the reach list", fix="`gridwire reach list` shows it")
            index = present.index(rule)
            del items[index]
            del present[index]
        if not items and "reach" in tree:
            del tree["reach"]

    return update(change, path)


def _differing(value: object, default: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names if getattr(value, name) != getattr(default, name)}


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _replace(target: Path, text: str) -> None:
    """Atomic and fsynced: a power cut leaves the old file or the new one. Raise NotPermitted or Unavailable."""
    try:
        _write_beside(target, text)
    except PermissionError:
        raise NotPermitted(f"{target} may not be written", fix="run the same command with sudo") from None
    except OSError as error:
        raise Unavailable(
            f"{target} cannot be written: {error.strerror}", fix="it is as it was; see the disk it is on"
        ) from None


def _write_beside(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777 if target.exists() else 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
