"""What survives a crash, a full disk and a damaged file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from gridwire.agent.state_dir import GENERATIONS, AgentState
from gridwire.core.errors import Invalid, Unavailable

KEY = "QEFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_nothing_is_there_before_joining(state: AgentState) -> None:
    assert state.load_key() is None
    assert state.load_credential() is None
    assert state.load_identity() is None
    assert state.load_spec().spec is None
    assert state.newest_version() is None
    assert not state.path.exists(), "reading makes nothing"


def test_secrets_are_for_root_alone_whatever_the_umask(state: AgentState, edge: Any) -> None:
    before = os.umask(0)
    try:
        state.save_key(KEY)
        state.save_credential("c" * 43)
        state.save_identity(edge.identity)
        state.save_spec(edge.at(1))
    finally:
        os.umask(before)
    assert mode(state.path) == 0o700
    assert mode(state.path / "node.key") == mode(state.path / "credential") == mode(state.path / "spec.json") == 0o600
    assert state.load_key() == KEY
    assert state.load_credential() == "c" * 43
    assert state.load_identity() == edge.identity


def test_a_damaged_key_file_is_said_without_showing_it(state: AgentState) -> None:
    state.prepare()
    (state.path / "node.key").write_text("half-a-secret\n")
    with pytest.raises(Invalid) as caught:
        state.load_key()
    assert "half-a-secret" not in str(caught.value)


def test_three_generations_are_kept(state: AgentState, edge: Any) -> None:
    for revision in range(1, 8):
        state.save_spec(edge.at(revision))
    assert state.load_spec().spec == edge.at(7)
    kept = sorted(path.name for path in (state.path / "previous").iterdir())
    assert kept == ["1.4.json", "1.5.json", "1.6.json"]
    assert len(kept) == GENERATIONS


def test_the_one_in_force_is_kept_however_many_fail_after_it(state: AgentState, edge: Any) -> None:
    state.save_spec(edge.at(1))
    state.commit((1, 1))
    for revision in range(2, 9):
        state.save_spec(edge.at(revision))
    assert state.load_committed() == edge.at(1)


@pytest.mark.parametrize("damage", ["truncated", "a flipped byte", "empty", "text", "another spec's checksum"])
def test_a_damaged_spec_falls_back_to_the_generation_before(state: AgentState, edge: Any, damage: str) -> None:
    state.save_spec(edge.at(1))
    state.save_spec(edge.at(2))
    path = state.path / "spec.json"
    content = path.read_bytes()
    middle = len(content) // 2
    path.unlink()  # not in place: a generation may share the bytes
    path.write_bytes(
        {
            "truncated": content[:middle],
            "a flipped byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
            "text": b"hello",
            "another spec's checksum": content.replace(content[11:75], b"0" * 64),
        }[damage]
    )
    saved = state.load_spec()
    assert saved.spec == edge.at(1)
    (finding,) = saved.findings
    assert finding.id == "spec-damaged"
    assert str(path) in finding.what


def test_all_damaged_is_no_spec_and_no_crash(state: AgentState, edge: Any) -> None:
    for revision in range(1, 6):
        state.save_spec(edge.at(revision))
    for path in (state.path / "spec.json", *(state.path / "previous").iterdir()):
        path.unlink()
        path.write_bytes(b"\0" * 100)
    saved = state.load_spec()
    assert saved.spec is None
    assert len(saved.findings) == 4
    state.save_spec(edge.at(6))
    assert state.load_spec().spec == edge.at(6)


@pytest.mark.parametrize("call", ["write", "fsync", "open"])
def test_a_full_disk_leaves_the_old_spec_and_no_litter(
    state: AgentState, edge: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    state.save_spec(edge.at(1))
    before = sorted(path for path in state.path.rglob("*") if path.is_file())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"gridwire.adapters.files.atomic.os.{call}", full)
        with pytest.raises(Unavailable, match="no space left") as caught:
            state.save_spec(edge.at(2))
    assert caught.value.code == "disk-full"
    assert caught.value.fix
    assert state.load_spec().spec == edge.at(1)
    after = sorted(path for path in state.path.rglob("*") if path.is_file())
    assert [path for path in after if path not in before and path.name != "1.1.json"] == []


def test_killed_at_each_call_of_a_save_there_is_the_old_spec_or_the_new(
    state: AgentState, edge: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every system call that changes a file is a place to die at."""

    class Killed(BaseException):
        pass

    calls = ("write", "fsync", "open", "fchmod")
    state.save_spec(edge.at(1))
    died = 0
    for nth in range(1, 40):
        count = 0

        def counted(real: Any, limit: int = nth) -> Any:
            def call(*args: Any, **more: Any) -> Any:
                nonlocal count
                count += 1
                if count == limit:
                    raise Killed
                return real(*args, **more)

            return call

        with monkeypatch.context() as patch:
            for name in calls:
                patch.setattr(f"gridwire.adapters.files.atomic.os.{name}", counted(getattr(os, name)))
            patch.setattr(Path, "replace", counted(Path.replace))
            patch.setattr(Path, "hardlink_to", counted(Path.hardlink_to))
            patch.setattr(Path, "unlink", counted(Path.unlink))
            try:
                state.save_spec(edge.at(nth + 1))
            except Killed:
                died += 1
        found = state.load_spec()
        assert found.findings == ()
        assert found.spec in (edge.at(1), *(edge.at(n + 1) for n in range(1, nth + 1)))
        if count < nth:
            assert found.spec == edge.at(nth + 1)
            break
    assert died >= 4


def test_a_revocation_outlives_the_spec_that_brought_it(state: AgentState, gateway: Any) -> None:
    revoked = gateway.fleet.node("home-2").public_key
    state.save_spec(gateway.at(1))
    state.save_spec(gateway.without(2, "home-2"))
    path = state.path / "spec.json"
    path.unlink()
    path.write_bytes(b"damaged")
    spec = state.load_spec().spec
    assert spec is not None
    assert spec.version == (1, 1)
    assert revoked not in {peer.public_key for peer in spec.mesh.peers}
    assert {stone.node for stone in spec.tombstones} == {"home-2"}
    assert state.newest_version() == (1, 2), "an older spec than the revocation is still refused"


def test_joining_as_another_node_forgets_the_specs_of_the_last(state: AgentState, edge: Any) -> None:
    state.save_identity(edge.identity)
    state.save_spec(edge.at(1))
    state.save_identity(edge.identity)
    assert state.load_spec().spec == edge.at(1)
    other = type(edge)("home-2")
    state.save_identity(other.identity)
    assert state.load_spec().spec is None
    assert state.newest_version() is None
