"""Receivers of notices on loopback, real ones: HTTP, HTTPS, SMTP with and without TLS."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Web(ThreadingHTTPServer):
    """``answers``: statuses of the next answers, then 200. ``got``: (path, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.came = threading.Semaphore(0)
        super().__init__(("127.0.0.1", 0), _Hook)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate goes away."""


class _Hook(BaseHTTPRequestHandler):
    server: Web

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.server.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.came.release()


@contextmanager
def web(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    server = Web()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Post(socketserver.ThreadingTCPServer):
    """A server of mail: one login, one message a connection. ``refuses``: the code for whoever it is for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tls: ssl.SSLContext | None, *, at_once: bool) -> None:
        self.tls, self.at_once = tls, at_once
        self.mails: list[tuple[str, list[str], str]] = []
        self.logins: list[tuple[str, str]] = []
        self.clear: list[str] = []  # commands before TLS
        self.refuses = 0
        super().__init__(("127.0.0.1", 0), _Mailbox)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate goes away."""


class _Mailbox(socketserver.BaseRequestHandler):
    server: Post

    def handle(self) -> None:
        sock, server = self.request, self.server
        secure = server.at_once
        if secure:
            assert server.tls is not None
            sock = server.tls.wrap_socket(sock, server_side=True)
        file = sock.makefile("rb")

        def say(text: str) -> None:
            sock.sendall(text.encode() + b"\r\n")

        say("220 sink")
        sender, to = "", []
        while line := file.readline().decode().strip():
            verb = line.split()[0].upper()
            if not secure:
                server.clear.append(verb)
            if verb == "EHLO":
                say("250-sink")
                say("250 AUTH PLAIN" if secure or server.tls is None else "250 STARTTLS")
            elif verb == "STARTTLS":
                say("220 go on")
                assert server.tls is not None
                sock = server.tls.wrap_socket(sock, server_side=True)
                file, secure = sock.makefile("rb"), True
            elif verb == "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                server.logins.append((user, password))
                say("235 yes" if password == "right" else "535 no")
            elif verb == "MAIL":
                sender = line
                say("250 yes")
            elif verb == "RCPT":
                to.append(line)
                say(f"{server.refuses} no" if server.refuses else "250 yes")
            elif verb == "DATA":
                say("354 go on")
                text = b""
                while (part := file.readline()) != b".\r\n":
                    text += part
                server.mails.append((sender, to, text.decode()))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                sock.close()
                return
            else:
                say("250 yes")


@contextmanager
def post(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[Post]:
    server = Post(tls, at_once=at_once)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def certificates(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for ``name``, and the one of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
