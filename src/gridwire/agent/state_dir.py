"""What the agent keeps across boots, each file whole or not there.

node.key        0600  the private key; made here, leaves never
credential      0600  what control issued at confirmation
joined.json           what was fixed at join
spec.json             the newest spec taken: {"sha256": …, "spec": …}
previous/E.R.json     up to three older generations
in-force              E.R of the spec that was last verified and kept
tombstones.json       the revocations of the newest spec taken, whatever generation is in force
audit-head            on a gateway: how far control's audit chain was followed
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from gridwire.adapters.files import keep_link, make_directory, read_bytes, remove_file, write_atomic
from gridwire.core import paths
from gridwire.core.errors import GridwireError, Invalid
from gridwire.core.joined import JoinedAs
from gridwire.core.perimeter import Finding, Severity
from gridwire.core.spec import NodeSpec, Tombstone
from gridwire.core.tombstones import without_revoked
from gridwire.core.wireguard import decode_key
from gridwire.protocol.audit import Head

GENERATIONS = 3
Version = tuple[int, int]

_SPEC: Final = TypeAdapter(NodeSpec)
_JOINED: Final = TypeAdapter(JoinedAs)
_HEAD = b'{"sha256":"'
_MIDDLE = b'","spec":'
_VERSION = re.compile(rb'\{"format":\d+,"epoch":(\d+),"revision":(\d+),')  # as TypeAdapter dumps NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstones:
    version: Version
    stones: tuple[Tombstone, ...]


_STONES: Final = TypeAdapter(Tombstones)
_HEAD_SEEN: Final = TypeAdapter(Head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The newest spec that could be read, with newer revocations applied; ``findings`` say what could not."""

    spec: NodeSpec | None
    findings: tuple[Finding, ...] = ()


class AgentState:
    """The agent's directory. Every write is atomic and fsynced; raises GridwireError (code ``disk-full``, …)."""

    def __init__(self, path: str | Path = paths.AGENT_STATE) -> None:
        self.path = Path(path)
        self._previous = self.path / "previous"
        self.audit_head = self.path / "audit-head"

    def prepare(self) -> None:
        make_directory(self.path)
        make_directory(self._previous)

    # --- who this node is

    def save_key(self, private: str) -> None:
        decode_key(private, "private key")
        self._write("node.key", f"{private}\n".encode())

    def load_key(self) -> str | None:
        """None before the node joined; raise Invalid where the file does not hold a key."""
        text = self._text("node.key")
        if text is not None:
            try:
                decode_key(text, str(self.path / "node.key"))
            except Invalid as error:  # its message would show what the file holds
                raise Invalid(
                    error.field, "it does not hold a WireGuard key", fix="restore it, or join again"
                ) from None
        return text

    def save_credential(self, credential: str) -> None:
        if not credential.isascii() or not credential.isprintable() or not 16 <= len(credential) <= 512:
            raise Invalid("credential", "it is not one that control issues")
        self._write("credential", f"{credential}\n".encode())

    def load_credential(self) -> str | None:
        return self._text("credential")

    def save_identity(self, identity: JoinedAs) -> None:
        """Join as ``identity``. Specs of another identity are no more: their files go first."""
        before = self.load_identity()
        if before is not None and (before.node, before.address) != (identity.node, identity.address):
            self.forget_specs()
        self._write("joined.json", _JOINED.dump_json(identity, indent=2) + b"\n", mode=0o644)

    def load_identity(self) -> JoinedAs | None:
        """None before the node joined; raise Invalid for a damaged file."""
        content = read_bytes(self.path / "joined.json")
        if content is None:
            return None
        try:
            return _JOINED.validate_json(content)
        except ValidationError as error:
            raise Invalid(str(self.path / "joined.json"), _first(error), fix="restore it, or join again") from None

    # --- what it must be

    def save_spec(self, spec: NodeSpec) -> None:
        """Make ``spec`` the newest; the one before becomes a generation of previous/. At no moment is there none."""
        self.prepare()
        floor = self._stones()
        if floor is None or spec.version >= floor.version:
            stones = Tombstones(version=spec.version, stones=spec.tombstones)
            if stones.stones or (floor is not None and floor.stones):
                self._write("tombstones.json", _STONES.dump_json(stones))
        newest = self._version_of(self.path / "spec.json")
        if newest is not None and newest != spec.version:
            keep_link(self.path / "spec.json", self._generation(newest))
        self._write_spec(self.path / "spec.json", spec)
        self._prune()

    def load_spec(self) -> Saved:
        """The newest spec that is whole: a damaged one is passed over, with a finding."""
        findings: list[Finding] = []
        for path in (self.path / "spec.json", *self._generations()):
            found = self._read(path)
            if isinstance(found, NodeSpec):
                return Saved(spec=self.bury(found), findings=tuple(findings))
            if found is not None:
                findings.append(
                    Finding(
                        id="spec-damaged",
                        severity=Severity.WARNING,
                        where="agent",
                        what=f"{path} is damaged ({found}); an older generation is used",
                        fix="nothing: control sends the newest one",
                    )
                )
        return Saved(spec=None, findings=tuple(findings))

    def commit(self, version: Version) -> None:
        """Remember the version that is in force: what a later spec rolls back to."""
        text = f"{version[0]}.{version[1]}\n".encode()
        if read_bytes(self.path / "in-force") != text:
            self._write("in-force", text)

    def restore(self, spec: NodeSpec) -> None:
        """Put an older spec back in the place of one that failed, which is not kept."""
        self.prepare()
        self._write_spec(self.path / "spec.json", spec)

    def load_committed(self) -> NodeSpec | None:
        """The spec that was last in force, with newer revocations applied; none where it cannot be had."""
        text = self._text("in-force")
        if text is None:
            return None
        for path in (self.path / "spec.json", *self._generations()):
            found = self._read(path)
            if isinstance(found, NodeSpec) and f"{found.epoch}.{found.revision}" == text:
                return self.bury(found)
        return None

    def bury(self, spec: NodeSpec) -> NodeSpec:
        """The spec without the nodes that a newer one revoked."""
        floor = self._stones()
        return without_revoked(spec, floor.stones) if floor is not None and floor.version > spec.version else spec

    def newest_version(self) -> Version | None:
        """The highest version ever taken, as far as the files say."""
        floor = self._stones()
        found = [self._read(path) for path in (self.path / "spec.json", *self._generations())]
        versions = [spec.version for spec in found if isinstance(spec, NodeSpec)]
        versions += [floor.version] if floor is not None else []
        return max(versions, default=None)

    def forget_specs(self) -> None:
        """Before joining as another node."""
        for path in (*self._generations(), self.path / "in-force", self.path / "spec.json"):
            remove_file(path)
        remove_file(self.path / "tombstones.json")

    # --- what control wrote down

    def save_audit_head(self, head: Head) -> None:
        self._write(self.audit_head.name, _HEAD_SEEN.dump_json(head) + b"\n")

    def load_audit_head(self) -> Head | None:
        """None before there was one; raise Invalid for a damaged file: it is never taken for none."""
        content = read_bytes(self.audit_head)
        if content is None:
            return None
        try:
            return _HEAD_SEEN.validate_json(content)
        except ValidationError as error:
            raise Invalid(str(self.audit_head), _first(error), fix="remove it: the chain is followed anew") from None

    # --- files

    def _write(self, name: str, content: bytes, mode: int = 0o600) -> None:
        self.prepare()
        write_atomic(self.path / name, content, mode)

    def _text(self, name: str) -> str | None:
        content = read_bytes(self.path / name)
        return None if content is None else content.decode("ascii", "replace").strip()

    def _write_spec(self, path: Path, spec: NodeSpec) -> None:
        body = _SPEC.dump_json(spec)
        write_atomic(path, _HEAD + hashlib.sha256(body).hexdigest().encode() + _MIDDLE + body + b"}\n")

    def _read(self, path: Path) -> NodeSpec | str | None:
        """A spec, or why the file holds none, or none where there is no file."""
        try:
            content = read_bytes(path)
        except GridwireError as error:
            return error.what
        if content is None:
            return None
        body = _body(content)
        if body is None:
            return "its checksum is wrong"
        try:
            return _SPEC.validate_json(body)
        except ValidationError as error:
            return _first(error)

    def _version_of(self, path: Path) -> Version | None:
        """The version of a whole spec file, without the price of parsing all of it."""
        content = read_bytes(path)
        head = None if content is None else _VERSION.match(_body(content) or b"")
        return None if head is None else (int(head[1]), int(head[2]))

    def _stones(self) -> Tombstones | None:
        content = read_bytes(self.path / "tombstones.json")
        if content is None:
            return None
        try:
            return _STONES.validate_json(content)
        except ValidationError:
            return None  # the newest spec holds the same ones

    def _generation(self, version: Version) -> Path:
        return self._previous / f"{version[0]}.{version[1]}.json"

    def _generations(self) -> list[Path]:
        """Newest first."""
        found: list[tuple[Version, Path]] = []
        for path in self._previous.glob("*.json"):
            epoch, _, revision = path.stem.partition(".")
            if epoch.isdigit() and revision.isdigit():
                found.append(((int(epoch), int(revision)), path))
        return [path for _, path in sorted(found, reverse=True)]

    def _prune(self) -> None:
        """Older than three, but never the one in force: it is what a rollback needs."""
        keep = self._text("in-force")
        for path in self._generations()[GENERATIONS:]:
            if path.stem != keep:
                remove_file(path)


def _body(content: bytes) -> bytes | None:
    """The spec's JSON, or none where its checksum is wrong."""
    start = len(_HEAD) + 64
    digest, body = content[len(_HEAD) : start], content[start + len(_MIDDLE) :].removesuffix(b"}\n")
    return body if hashlib.sha256(body).hexdigest().encode() == digest else None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'content'}: {first['msg']}"
