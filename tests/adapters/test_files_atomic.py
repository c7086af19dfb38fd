"""Whole or not there: atomic writes and the hosts file, on a real file system."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridwire.adapters.files import Reread, keep_link, make_directory, read_bytes, remove_file, write_atomic
from gridwire.adapters.files.hosts_file import read_hosts, write_hosts
from gridwire.core.errors import GridwireError, Unavailable


def test_mode_and_content_are_as_asked_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    before = os.umask(0o777)
    try:
        write_atomic(path, b"one", 0o640)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    write_atomic(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]


def test_a_symlink_in_the_place_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "link").is_symlink()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(GridwireError, match="cannot write"):
        write_atomic(tmp_path / "missing" / "file", b"")
    (tmp_path / "dir").mkdir()
    with pytest.raises(GridwireError, match="cannot write"):
        write_atomic(tmp_path / "dir", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["dir"]


def test_absent_is_none_and_removing_it_is_fine(tmp_path: Path) -> None:
    assert read_bytes(tmp_path / "x") is None
    remove_file(tmp_path / "x")
    write_atomic(tmp_path / "x", b"1")
    keep_link(tmp_path / "x", tmp_path / "y")
    write_atomic(tmp_path / "x", b"2")
    assert (tmp_path / "y").read_bytes() == b"1", "the second name keeps the old content"
    keep_link(tmp_path / "x", tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == b"2"


def test_a_second_name_is_on_the_disk_before_the_first_goes_to_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic(tmp_path / "x", b"1")
    (tmp_path / "previous").mkdir()
    real, synced = os.fsync, []

    def seen(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((place, sorted(path.name for path in place.iterdir())))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    keep_link(tmp_path / "x", tmp_path / "previous/x")
    assert synced == [(tmp_path / "previous", ["x"])]


def test_a_directory_gets_its_mode(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b", 0o700)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.netns
def test_a_really_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """A tmpfs of 64 KiB in a mount namespace of its own."""
    script = """
import sys
import time
from pathlib import Path
from gridwire.adapters.files import write_atomic
from gridwire.core.errors import Unavailable
place = Path(sys.argv[1])
write_atomic(place / "spec", b"old")
try:
    write_atomic(place / "spec", b"x" * 200_000)
except Unavailable as error:
    assert error.code == "disk-full", error.code
    assert (place / "spec").read_bytes() == b"old"
    assert [p.name for p in place.iterdir()] == ["spec"]
    print("kept")
"""
    mount = f'mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == "kept", done.stderr


def test_hosts_keeps_mode_and_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"127.0.0.1 caf\xe9\n")
    path.chmod(0o664)
    text = read_hosts(path)
    assert text is not None
    write_hosts(path, text + "10.85.0.1 api.grid\n")
    assert path.read_bytes() == b"127.0.0.1 caf\xe9\n10.85.0.1 api.grid\n"
    assert path.stat().st_mode & 0o777 == 0o664
    assert read_hosts(tmp_path / "none") is None


def test_hosts_behind_a_symlink_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a\n")
    (tmp_path / "hosts").symlink_to("real")
    write_hosts(tmp_path / "hosts", "b\n")
    assert (tmp_path / "hosts").is_symlink()
    assert (tmp_path / "real").read_text() == "b\n"


@pytest.mark.parametrize("reason", [errno.EBUSY, errno.EROFS], ids=["mount", "read-only-root"])
def test_hosts_that_is_a_bind_mount_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    path = tmp_path / "hosts"
    path.write_text("a long line that was here\n")
    inode = path.stat().st_ino

    def busy(self: Path, target: Path) -> Path:
        raise OSError(reason, "the rest of /etc is not ours")

    monkeypatch.setattr(Path, "replace", busy)
    write_hosts(path, "short\n")
    assert path.read_text() == "short\n"
    assert path.stat().st_ino == inode
    assert [p.name for p in tmp_path.iterdir()] == ["hosts"]


def test_hosts_that_is_a_read_only_bind_mount_says_so(tmp_path: Path) -> None:
    """As docker run -v /etc/hosts:/etc/hosts:ro makes it: neither renamed over (EBUSY) nor rewritten (EROFS)."""
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    script = (
        "import sys; from pathlib import Path; from gridwire.adapters.files import write_hosts\n"
        "from gridwire.core.errors import GridwireError\n"
        "try: write_hosts(Path(sys.argv[1]), 'other')\n"
        "except GridwireError as error: print(error.what)\n"
    )
    mount = 'mount --bind "$3" "$3" && mount -o remount,bind,ro "$3" && exec "$1" -c "$2" "$3"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, script, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == f"cannot write {path}: Read-only file system", done.stderr
    assert path.read_text() == "127.0.0.1 localhost\n"


def test_a_full_disk_is_told_from_other_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr("gridwire.adapters.files.atomic.os.fsync", full)
    with pytest.raises(Unavailable) as caught:
        write_atomic(tmp_path / "x", b"1")
    assert caught.value.code == "disk-full"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_read_again_when_it_is_another_and_only_then(tmp_path: Path) -> None:
    path, reads = tmp_path / "hosts", []

    def read() -> str | None:
        reads.append(1)
        content = read_bytes(path)
        return None if content is None else content.decode()

    def settle() -> None:
        """So long ago that a second change would have another time."""
        deadline = time.monotonic() + 5
        while time.time_ns() - path.stat().st_ctime_ns < 100_000_000:
            assert time.monotonic() < deadline

    known = Reread(path, read)
    assert known() is None
    path.write_text("one")
    assert known() == "one"
    path.write_text("two")
    assert known() == "two", "of the same size and maybe the same time"
    settle()
    assert (known(), len(reads)) == ("two", 4)
    assert (known(), len(reads)) == ("two", 4)
    path.chmod(0o600)
    assert (known(), len(reads)) == ("two", 5)
    settle()
    known()
    times = path.stat()
    path.write_text("six")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert known() == "six", "whoever sets the time back"
    path.unlink()
    assert known() is None
