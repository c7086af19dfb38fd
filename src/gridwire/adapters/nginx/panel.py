"""The panel's files: found where this program was installed or checked out, copied to where nginx's workers may read.

panel/now     → DIGEST    what is served
panel/before  → DIGEST    the build before: a page that is open asks for its parts still
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from gridwire.adapters.nginx.state_files import sync_directory
from gridwire.core.errors import Unavailable
from gridwire.core.panel import Built, page_policy

_GZIPPED = (".html", ".js", ".css", ".txt", ".svg", ".json", ".map", ".webmanifest", ".ico", ".xml")
_LEAST = 1024  # bytes; a smaller file is one packet anyway
_Stamp = tuple[tuple[str, int, int], ...]


def find_panel() -> Path | None:
    """The folder of the built panel: in a wheel beside gridwire's Python, in a checkout panel/out; none: not built."""
    import gridwire

    package = Path(gridwire.__file__).resolve().parent
    for folder in (package / "panel", package.parents[1] / "panel" / "out"):
        if (folder / "index.html").is_file():
            return folder
    return None


class PanelSource:
    """The built panel and what is told of it, read again when a file of it changed."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._read: tuple[_Stamp, Built] | None = None

    def folder(self) -> Path | None:
        return self._folder if self._folder is not None else find_panel()

    def __call__(self) -> Built | None:
        """None where no panel was built; raise Unavailable where it cannot be read, Invalid for a page too large."""
        folder = self.folder()
        if folder is None:
            return None
        try:
            stamp = _files(folder)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, _built(folder, tuple(name for name, _, _ in stamp)))
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"the panel in {folder} cannot be read: {error}", fix="build it again") from error
        return self._read[1]


def placed_panel(root: str) -> str | None:
    """The digest of the panel that nginx serves, or None."""
    try:
        return Path(root, "now").readlink().name
    except OSError:
        return None


def place_panel(folder: Path, root: str, digest: str) -> None:
    """Copy and compress ``folder``, then serve it in place of the one before, at once; raise Unavailable, and then the
    one before is served on."""
    place, fresh = Path(root), Path(root, f"{digest}.new")
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        place.chmod(0o755)
        shutil.rmtree(fresh, ignore_errors=True)
        for name, _, _ in _files(folder):
            _copy(folder / name, fresh / name)
        shutil.rmtree(place / digest, ignore_errors=True)
        fresh.rename(place / digest)
        before = placed_panel(root)
        if before is not None and before != digest:
            _point(place / "before", before)
        _point(place / "now", digest)
        sync_directory(place)
        for old in place.iterdir():
            if old.is_dir() and not old.is_symlink() and old.name not in (digest, before):
                shutil.rmtree(old)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Unavailable(f"the panel cannot be placed in {root}: {error.strerror}", fix="free the disk") from error


def _files(folder: Path) -> _Stamp:
    """Regular files, relative, with times and sizes, sorted; nothing hidden, and no links: what is served is what was
    built. Looked at every other second, so by scandir(3): a Path for each of 180 files costs five times as much."""
    found: list[tuple[str, int, int]] = []
    pending = [""]
    while pending:
        under = pending.pop()
        with os.scandir(folder / under) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{under}{entry.name}/")
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((f"{under}{entry.name}", status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))


def _built(folder: Path, files: tuple[str, ...]) -> Built:
    digest, policies = hashlib.sha256(), []
    for name in files:
        content = (folder / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        if name.endswith(".html"):
            policies.append((f"/{name}", page_policy(content.decode())))
    return Built(digest=digest.hexdigest()[:32], policies=tuple(policies))


def _copy(source: Path, target: Path) -> None:
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in (folder, *folder.parents):  # whatever the umask is: nginx's workers read here
        if made.name.endswith(".new"):
            made.chmod(0o755)
            break
        made.chmod(0o755)
    content = source.read_bytes()
    _write(target, content)
    if source.suffix in _GZIPPED and len(content) >= _LEAST:
        _write(target.with_name(f"{target.name}.gz"), gzip.compress(content, mtime=0))


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())


def _point(link: Path, to: str) -> None:
    beside = link.with_name(f".{link.name}.new")
    with suppress(FileNotFoundError):
        beside.unlink()
    beside.symlink_to(to)
    beside.rename(link)
