"""Certificates on disk. The authority's key is root's alone; leaves are read by nginx's workers, each for itself.

agent/ca.pem               0644
agent/ca.key               0600 root
nginx/certificates/        0750 root, group gridwire-nginx
nginx/certificates/*.pem   0640: key and chain of one certificate
"""

from __future__ import annotations

import grp
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gridwire.adapters.certificates.authority import described, issue_leaf, make_authority, read_authority
from gridwire.core.addressing import Prefix
from gridwire.core.certificates import CertificatesObserved, Held, Leaf, Source, given_file
from gridwire.core.errors import GridwireError, Invalid, Unavailable
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown

_Stamp = tuple[int, int, int] | None
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where the settings say that a user's certificate chain and its key lie."""

    certificate: str
    key: str


class CertificateFiles:
    """``state``: the agent's directory; ``served``: nginx's; ``user``: whom its workers run as."""

    def __init__(self, state: str, served: str, user: str, given: Given | None = None) -> None:
        self._certificate, self._key = Path(state, "ca.pem"), Path(state, "ca.key")
        self._served = Path(served)
        self._user = user
        self._given = given
        self._read: dict[str, Held] = {}  # a file of this name never changes
        self._known: dict[tuple[_Stamp, ...], CertificatesObserved] = {}  # what was last read, and of which files

    def observe(self) -> Known[CertificatesObserved] | Unknown:
        """Unknown where what is there cannot be read: it is not made anew then. Nothing is read that did not change."""
        given = () if self._given is None else (Path(self._given.certificate), Path(self._given.key))
        stamp = tuple(map(_stamp, (self._certificate, self._key, self._served, *given)))
        if stamp not in self._known:
            observed = self._observe()
            if isinstance(observed, Unknown):
                return observed
            self._known = {stamp: observed.value}
        return Known(self._known[stamp])

    def _observe(self) -> Known[CertificatesObserved] | Unknown:
        try:
            pem = self._certificate.read_bytes() if self._certificate.exists() else b""
            if pem and not self._key.exists():
                pem = b""  # it can sign no more
            authority = described(x509.load_pem_x509_certificate(pem), Source.INTERNAL) if pem else None
            leaves = self._leaves()
        except (OSError, ValueError) as error:
            return Unknown(f"the certificates cannot be read: {error}")
        given, broken = None, ""
        if self._given is not None:
            try:
                given = described(_pair(self._given)[0], Source.GIVEN)
            except GridwireError as error:
                broken = error.what
        return Known(
            CertificatesObserved(
                authority=authority, authority_pem=pem.decode("ascii"), leaves=leaves, given=given, broken=broken
            )
        )

    def make_authority(self, suffix: HostName, prefixes: tuple[Prefix, ...], now: datetime) -> None:
        """Raise Unavailable where the disk refuses; the one before is then as it was."""
        certificate, key = make_authority(suffix, prefixes, now)
        self._certificate.unlink(missing_ok=True)  # a crash between the two leaves none, and another is made
        _write(self._key, key, 0o600)
        _write(self._certificate, certificate, 0o644)

    def issue(self, leaf: Leaf, now: datetime) -> None:
        """Raise Invalid for a damaged authority, Unavailable where the disk refuses."""
        try:
            authority = read_authority(self._certificate.read_bytes(), self._key.read_bytes())
        except OSError as error:
            raise Unavailable(f"the grid's authority cannot be read: {error.strerror}") from error
        self._serve(leaf.file, issue_leaf(authority, leaf.names, now))

    def take_given(self, file: str) -> None:
        """Raise Invalid where it changed meanwhile."""
        if self._given is None:
            raise Invalid("tls.certificate", "no certificate is given")
        certificate, chain, key = _pair(self._given)
        if given_file(described(certificate, Source.GIVEN).fingerprint) != file:
            raise Unavailable("the given certificate changed while it was read")
        self._serve(file, key + b"\n" + chain)

    def drop(self, files: tuple[str, ...]) -> None:
        for name in files:
            with suppress(FileNotFoundError):
                (self._served / name).unlink()
            self._read.pop(name, None)

    def _leaves(self) -> tuple[Held, ...]:
        names = sorted(path.name for path in self._served.glob("*.pem")) if self._served.is_dir() else []
        self._read = {name: self._read.get(name) or self._held(name) for name in names}
        return tuple(self._read.values())

    def _held(self, name: str) -> Held:
        certificate = x509.load_pem_x509_certificate((self._served / name).read_bytes())
        source = Source.GIVEN if name.startswith("given.") else Source.INTERNAL
        return Held(file=name, certificate=described(certificate, source))

    def _serve(self, name: str, content: bytes) -> None:
        try:
            group = grp.getgrnam(self._user).gr_gid
        except KeyError:
            raise Unavailable(f"there is no group {self._user}", fix=f"addgroup --system {self._user}") from None
        try:
            self._served.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._served.chmod(0o750)
            _give(self._served, group)
        except OSError as error:
            raise Unavailable(f"{self._served} cannot be made: {error.strerror}", fix="free the disk") from error
        _write(self._served / name, content, 0o640, group)
        self._read.pop(name, None)


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _pair(given: Given) -> tuple[x509.Certificate, bytes, bytes]:
    """The certificate, the whole chain and the key, as they stand in the files; raise Invalid."""
    chain, key = _file(given.certificate), _file(given.key)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise Invalid("tls.certificate", f"{given.certificate} holds no certificate") from None
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        raise Invalid("tls.key", f"{given.key} holds no key without a passphrase") from None
    encoded = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*encoded) != certificates[0].public_key().public_bytes(*encoded):
        raise Invalid("tls.key", f"{given.key} is not the key of the first certificate in {given.certificate}")
    if not described(certificates[0], Source.GIVEN).names:
        raise Invalid("tls.certificate", f"{given.certificate} names no host (subjectAltName)")
    return certificates[0], chain, key


def _file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise Invalid("tls", f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise Invalid("tls", f"{path} is larger than {_LARGEST} bytes")
    return content


def _give(what: Path | int, group: int) -> None:
    """To a group. The agent's unit has no CAP_CHOWN, but CAP_SETGID: an owner may give its files to a group that it is
    a member of (chown(2))."""
    try:
        os.chown(what, -1, group)
    except PermissionError:
        os.setgroups([*os.getgroups(), group])
        os.chown(what, -1, group)


def _write(path: Path, content: bytes, mode: int, group: int = -1) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if group != -1:
                _give(file.fileno(), group)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        beside.rename(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unavailable(f"{path} cannot be written: {error.strerror}", fix="free the disk") from error
