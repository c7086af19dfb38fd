"""The grid's authority on disk, judged by another's code: what OpenSSL verifies, and what it does not."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from gridwire.adapters.certificates import CertificateFiles, Given, issue_leaf, make_authority, read_authority
from gridwire.core.certificates import AUTHORITY_LIFE, LEAF_LIFE, CertificatesObserved, Leaf, Source, given_file
from gridwire.core.errors import Invalid
from gridwire.core.names import HostName
from gridwire.core.observed import Known, Unknown

NOW = datetime.now(UTC).replace(microsecond=0)
SUFFIX, PREFIXES = HostName("grid"), (ip_network("10.85.0.0/16"),)
GROUP = grp.getgrgid(os.getgid()).gr_name


def verified(folder: Path, authority: bytes, leaf: bytes, *options: str) -> str:
    (folder / "ca.pem").write_bytes(authority)
    (folder / "leaf.pem").write_bytes(leaf)
    argv = ["openssl", "verify", "-CAfile", "ca.pem", "-purpose", "sslserver", *options, "leaf.pem"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def files_in(folder: Path, given: Given | None = None) -> CertificateFiles:
    return CertificateFiles(str(folder / "agent"), str(folder / "served"), GROUP, given)


def seen(files: CertificateFiles) -> CertificatesObserved:
    observed = files.observe()
    assert isinstance(observed, Known), observed
    return observed.value


def test_a_leaf_is_verified_for_its_names_and_for_no_other(tmp_path: Path) -> None:
    certificate, key = make_authority(SUFFIX, PREFIXES, NOW)
    leaf = issue_leaf(read_authority(certificate, key), ("panel.grid", "10.85.0.1"), NOW)
    for option, name in (("-verify_hostname", "panel.grid"), ("-verify_ip", "10.85.0.1")):
        assert verified(tmp_path, certificate, leaf, option, name).endswith("OK")
    assert "mismatch" in verified(tmp_path, certificate, leaf, "-verify_hostname", "bank.example.com")


@pytest.mark.parametrize("name", ["bank.example.com", "grid.example.com", "evilgrid", "192.168.1.1", "8.8.8.8"])
def test_the_authority_is_good_for_the_grid_alone(tmp_path: Path, name: str) -> None:
    """Whoever gets its key cannot speak for a bank to a device that trusts it."""
    certificate, key = make_authority(SUFFIX, PREFIXES, NOW)
    leaf = issue_leaf(read_authority(certificate, key), (name,), NOW)
    assert "permitted subtree violation" in verified(tmp_path, certificate, leaf)


def test_a_leaf_signs_nothing_and_lives_for_thirty_days(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.make_authority(SUFFIX, PREFIXES, NOW)
    files.issue(Leaf(file="a.1.pem", names=("api.grid",)), NOW)
    found = seen(files)
    assert found.authority is not None
    assert (found.authority.names, found.authority.authority) == (("grid", "10.85.0.0/16"), True)
    assert found.authority.not_after == NOW + AUTHORITY_LIFE
    (held,) = found.leaves
    assert (held.certificate.names, held.certificate.authority) == (("api.grid",), False)
    assert held.certificate.issuer == found.authority.subject
    assert held.certificate.not_after == NOW + LEAF_LIFE
    text = subprocess.run(
        ["openssl", "x509", "-text", "-noout"],
        input=(tmp_path / "agent/ca.pem").read_bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "pathlen:0" in text
    assert "prime256v1" in text


def test_keys_are_closed_to_others_and_the_authoritys_to_nginx(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    before = os.umask(0)
    try:
        files.make_authority(SUFFIX, PREFIXES, NOW)
        files.issue(Leaf(file="a.1.pem", names=("api.grid",)), NOW)
    finally:
        os.umask(before)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}
    assert modes["ca.key"] == "0o600"
    assert modes["a.1.pem"] == "0o640"
    assert modes["served"] == "0o750"
    assert modes["agent"] == "0o700"


def test_nginxs_group_gets_them_without_the_right_to_give_files_away(tmp_path: Path) -> None:
    """As the agent's unit runs it: root without CAP_CHOWN."""
    program = (
        "import sys\nfrom datetime import UTC, datetime\nfrom ipaddress import ip_network\n"
        "from gridwire.adapters.certificates import CertificateFiles\nfrom gridwire.core.certificates import Leaf\n"
        "files = CertificateFiles(sys.argv[1] + '/agent', sys.argv[1] + '/served', 'www-data')\n"
        "files.make_authority('grid', (ip_network('10.85.0.0/16'),), datetime.now(UTC))\n"
        "files.issue(Leaf(file='a.1.pem', names=('api.grid',)), datetime.now(UTC))"
    )
    argv = ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown", "--clear-groups", sys.executable, "-c", program]
    done = subprocess.run([*argv, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    nginx = grp.getgrnam("www-data").gr_gid
    assert {path.stat().st_gid for path in (tmp_path / "served", tmp_path / "served/a.1.pem")} == {nginx}


def test_an_authority_without_its_key_is_none_and_damage_is_not_taken_for_none(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.make_authority(SUFFIX, PREFIXES, NOW)
    (tmp_path / "agent/ca.key").rename(tmp_path / "kept")
    assert seen(files).authority is None
    (tmp_path / "kept").rename(tmp_path / "agent/ca.key")
    (tmp_path / "agent/ca.pem").write_text("torn")
    assert isinstance(files.observe(), Unknown)
    with pytest.raises(Invalid):
        files.issue(Leaf(file="a.1.pem", names=("api.grid",)), NOW)


def pair(folder: Path, *names: str, at: datetime = NOW) -> Given:
    """A certificate of somebody else's, and its key."""
    authority = read_authority(*make_authority(HostName("example.com"), PREFIXES, at))
    text = issue_leaf(authority, names, at).decode()
    key, chain = text.split("-----BEGIN CERTIFICATE-----")
    given = Given(certificate=str(folder / "given.pem"), key=str(folder / "given.key"))
    Path(given.certificate).write_text(f"-----BEGIN CERTIFICATE-----{chain}")
    Path(given.key).write_text(key)
    return given


def test_a_given_pair_is_taken_and_a_changed_one_noticed(tmp_path: Path) -> None:
    given = pair(tmp_path, "*.example.com")
    files = files_in(tmp_path, given)
    first = seen(files).given
    assert first is not None
    assert (first.names, first.source) == (("*.example.com",), Source.GIVEN)
    files.take_given(given_file(first.fingerprint))
    (held,) = seen(files).leaves
    assert held.certificate == first
    pair(tmp_path, "*.example.com", at=NOW + timedelta(minutes=1))
    second = seen(files).given
    assert second is not None
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize("what", ["no file", "no certificate", "no key", "another's key", "no name", "a torn key"])
def test_a_pair_that_is_no_use_is_said_to_be_and_never_served(tmp_path: Path, what: str) -> None:
    given = pair(tmp_path, "*.example.com")
    if what == "no file":
        given = replace(given, key=str(tmp_path / "nowhere"))
    elif what == "no certificate":
        Path(given.certificate).write_text("hello")
    elif what == "no key":
        Path(given.key).write_text(Path(given.certificate).read_text())
    elif what == "another's key":
        key = Path(given.key).read_text()
        pair(tmp_path, "*.example.com")
        Path(given.key).write_text(key)
    elif what == "a torn key":
        Path(given.key).write_text(Path(given.key).read_text()[:100])
    else:
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        argv += ["-subj", "/CN=example.com", "-keyout", given.key, "-out", given.certificate]
        subprocess.run(argv, check=True, capture_output=True)
    found = seen(files_in(tmp_path, given))
    assert found.given is None
    assert "given" in found.broken or "nowhere" in found.broken
