"""Operators and API tokens from the command line; and the grid's commands at a gateway elsewhere."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SECRET = "gwt_" + "x" * 43


def test_an_operator_from_its_first_link_to_its_end(grid: Any, tmp_path: Path) -> None:
    early = grid("operator", "add", "ada")
    assert (early.code, early.out) == (3, "")
    assert "gridwire invite NAME --role operator" in early.err
    assert json.loads(grid("operator", "list", "-o", "json").out) == []

    assert grid("invite", "phone", "--role", "operator", "--config", str(tmp_path / "phone.conf")).code == 0
    added = grid("operator", "add", "ada")
    assert added.code == 0, added.err
    assert added.out.startswith("http://panel.grid:2086/welcome#")
    assert len(added.out.strip().partition("#")[2]) == 43
    assert "http://10.85.0.1:2086/welcome#" in added.err

    taken = grid("operator", "add", "ada")
    assert taken.code == 1
    assert "gridwire operator passwd ada" in taken.err
    anew = grid("operator", "passwd", "ada", "-o", "json")
    assert json.loads(anew.out)["urls"][0] != added.out.strip()

    assert json.loads(grid("operator", "may", "ada", "read", "-o", "json").out)["may"] == "read"
    assert grid("operator", "disable", "ada").code == 2  # nobody is there to be asked
    assert grid("operator", "disable", "ada", "--yes").out == "ada is disabled\n"
    assert "disabled" in grid("operator", "list").out
    assert grid("operator", "passwd", "ada").code == 1
    assert grid("operator", "enable", "ada").code == 0
    assert "no password, its link ran out" in grid("operator", "list").out
    assert grid("operator", "unlock", "ada").out == "ada may try again\n"
    assert grid("operator", "remove", "ada", "--yes").out == "ada is gone\n"
    assert grid("operator", "unlock", "ada").code == 2
    kinds = [event["kind"] for event in json.loads(grid("events", "-o", "json").out)]
    said = [kind.partition(".")[2] for kind in kinds if kind.startswith("operator.")]
    assert said == ["added", "linked", "linked", "changed", "disabled", "enabled", "unlocked", "removed"]


def test_a_token_is_printed_once(grid: Any, tmp_path: Path) -> None:
    assert grid("invite", "tablet", "--role", "operator", "--config", str(tmp_path / "tablet.conf")).code == 0
    assert grid("operator", "add", "bob", "--may", "read").code == 0
    refused = grid("token", "add", "ci", "--operator", "bob", "--scope", "change")
    assert refused.code == 4
    made = grid("token", "add", "ci", "--operator", "bob")
    assert made.code == 0, made.err
    secret = made.out.strip()
    assert secret.startswith("gwt_")
    assert secret not in made.err
    listed = grid("token", "list", "-o", "json")
    assert secret not in listed.out
    assert [(one["operator"], one["label"], one["scope"]) for one in json.loads(listed.out)] == [("bob", "ci", "read")]
    assert grid("token", "revoke", "bob/another", "--yes").code == 2
    assert grid("token", "revoke", "bob/ci", "--yes").code == 0
    assert json.loads(grid("token", "list", "-o", "json").out) == []


class Gateway(BaseHTTPRequestHandler):
    """Stands for a gateway's nginx: keeps what was shown, and has no nodes."""

    shown: list[str | None] = []  # noqa: RUF012 the class is made once for each server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.shown.append(self.headers["Authorization"])
        body = b'{"items": [], "next": null, "total": 0}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _served(trust: ssl.SSLContext | None) -> tuple[ThreadingHTTPServer, type[Gateway]]:
    handler = type("Handler", (Gateway,), {"shown": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if trust is not None:
        server.socket = trust.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server, handler


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_commands_ask_another_gateway_by_token(cli: Any, token_file: Path) -> None:
    server, handler = _served(None)
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        asked = cli("--gateway", url, "--token-file", str(token_file), "policy", "list", "-o", "json")
        assert (asked.code, asked.out) == (0, "[]\n"), asked.err
        assert cli(f"--gateway={url}", f"--token-file={token_file}", "policy", "list").code == 0
    finally:
        server.shutdown()
        server.server_close()
    assert handler.shown == [f"Bearer {SECRET}"] * 2


def test_over_tls_only_who_is_trusted_gets_the_token(cli: Any, token_file: Path, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server, handler = _served(context)
    try:
        asked = ("--gateway", f"https://127.0.0.1:{server.server_port}", "--token-file", str(token_file))
        assert cli(*asked, "policy", "list").code == 1
        assert handler.shown == []
        trusted = cli(*asked, "--ca", str(certificate), "policy", "list")
        assert trusted.code == 0, trusted.err
    finally:
        server.shutdown()
        server.server_close()
    assert handler.shown == [f"Bearer {SECRET}"]


def _certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "gateway.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--gateway", "10.85.0.1:2086", "--token-file", "FILE"), "--gateway"),
        (("--gateway", "ftp://10.85.0.1", "--token-file", "FILE"), "--gateway"),
        (("--gateway", "http://panel.grid:2086", "--token-file", "FILE"), "--gateway"),
        (("--gateway", "http://ada:secret@10.85.0.1:2086", "--token-file", "FILE"), "--gateway"),
        (("--gateway", "http://10.85.0.1:2086"), "--token-file"),
        (("--gateway", "http://10.85.0.1:2086", "--token-file"), "--token-file"),
        (("--gateway", "http://10.85.0.1:2086", "--token-file", "/nowhere"), "--token-file"),
        (("--gateway", "http://10.85.0.1:2086", "--token-file", "/dev/null"), "--token-file"),
        (("--token-file", "FILE"), "--gateway"),
    ],
)
def test_what_no_gateway_is_asked_by(cli: Any, token_file: Path, options: tuple[str, ...], field: str) -> None:
    given = [str(token_file) if option == "FILE" else option for option in options]
    last = () if options[-1] == "--token-file" else ("policy", "list")
    refused = cli(*given, *last, settings=False)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"gridwire: {field}: ")
    assert "secret" not in refused.err.splitlines()[0].replace("a secret does not belong", "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_that_others_may_read_is_not_sent(cli: Any, token_file: Path, mode: int) -> None:
    token_file.chmod(mode)
    server, handler = _served(None)
    try:
        asked = ("--gateway", f"http://127.0.0.1:{server.server_port}", "--token-file", str(token_file))
        assert cli(*asked, "policy", "list").code == 4
    finally:
        server.shutdown()
        server.server_close()
    assert handler.shown == []
