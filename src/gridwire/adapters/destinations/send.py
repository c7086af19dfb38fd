"""Webhooks, ntfy and mail. A name is looked up once, judged, and what was judged is what is called: a name that leads
elsewhere a moment later (DNS rebinding) leads nowhere. Redirects and proxies of the environment are not followed.

Nothing that is secret stands in an error: neither a URL nor what a server said.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import json
import os
import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any, Final

import httpx2
from pydantic import TypeAdapter

from gridwire.core.addressing import Address
from gridwire.core.errors import GridwireError
from gridwire.core.notifications import Destination, Mail, Ntfy, Webhook, web_address
from gridwire.protocol.notifications import SIGNATURE_HEADER, Told
from gridwire.version import __version__

SECONDS: Final = 10.0  # for one try, from the first packet on
_TOLD: Final = TypeAdapter(Told)


class Undelivered(GridwireError):
    """``lasting``: it is no use to try again."""

    code = "undelivered"

    def __init__(self, what: str, *, lasting: bool = False) -> None:
        super().__init__(what)
        self.lasting = lasting


class Sender:
    """``refused``: why an address must not be spoken to, or nothing. ``trust``: certificates besides the system's."""

    def __init__(self, refused: Callable[[Address], str], *, trust: ssl.SSLContext | None = None) -> None:
        self._refused = refused
        self._trust = trust

    async def send(self, to: Destination, told: Told, at: int) -> None:
        """``at``: Unix seconds, which are signed. Raise Undelivered."""
        try:
            async with asyncio.timeout(3 * SECONDS):
                if isinstance(to, Mail):
                    address = await self._address(to.host, to.port)
                    await asyncio.to_thread(_mail, to, told, address, self._context())
                else:
                    await self._post(to, told, at)
        except TimeoutError:
            raise Undelivered("it took too long") from None

    async def _post(self, to: Webhook | Ntfy, told: Told, at: int) -> None:
        parts = web_address(to.url)
        host = parts.hostname or ""
        address = await self._address(host, parts.port or (443 if parts.scheme == "https" else 80))
        body, headers = _webhook(to, told, at) if isinstance(to, Webhook) else _ntfy(to, told)
        headers |= {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": f"gridwire/{__version__}"}
        transport = httpx2.AsyncHTTPTransport(verify=self._context(), trust_env=False)
        try:
            async with (
                httpx2.AsyncClient(transport=transport, trust_env=False, timeout=SECONDS) as client,
                client.stream(
                    "POST",
                    httpx2.URL(to.url).copy_with(host=str(address), fragment=None),
                    content=body,
                    headers=headers,
                    extensions={"sni_hostname": host},
                ) as answer,
            ):
                status = answer.status_code  # what else it says is not read
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Undelivered(f"{host} was not reached: {_cause(error)}") from None
        if not 200 <= status < 300:
            raise Undelivered(f"{host} answered {status}", lasting=status in (400, 401, 403, 404, 405, 410, 422))

    async def _address(self, host: str, port: int) -> Address:
        """Where a name leads; raise Undelivered where any of it is refused."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Undelivered(f"{host} is not found: {error.strerror or type(error).__name__}") from None
        addresses = [ip_address(str(place[4][0]).partition("%")[0]) for place in found]
        for address in addresses:
            if reason := self._refused(address):
                raise Undelivered(f"{host} is at {address}, where nothing is sent to: {reason}", lasting=True)
        if not addresses:
            raise Undelivered(f"{host} is not found")
        return addresses[0]

    def _context(self) -> ssl.SSLContext:
        return self._trust if self._trust is not None else ssl.create_default_context()


def is_own(address: Address) -> bool:
    """Whether the kernel would answer itself: it then takes the destination as the source. No packet is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return bool(ip_address(str(probe.getsockname()[0]).partition("%")[0]) == address)
    except OSError:
        return False  # there is no way there: the try itself will say so


def _webhook(to: Webhook, told: Told, at: int) -> tuple[bytes, dict[str, str]]:
    body = _TOLD.dump_json(told)
    if not to.key:
        return body, {}
    signature = hmac.new(to.key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {SIGNATURE_HEADER: f"t={at},v1={signature}"}


def _ntfy(to: Ntfy, told: Told) -> tuple[bytes, dict[str, str]]:
    body = {
        "topic": to.topic,
        "title": told.title,
        "message": _message(told),
        "priority": 4 if told.turn == "opened" else 3,
        "tags": ["rotating_light" if told.turn == "opened" else "white_check_mark"],
    }
    return json.dumps(body).encode(), {"Authorization": f"Bearer {to.token}"} if to.token else {}


def _message(told: Told) -> str:
    return f"{told.what}\n{told.fix}".strip()


def _mail(to: Mail, told: Told, address: Address, context: ssl.SSLContext) -> None:
    message = EmailMessage()
    message["From"], message["To"] = to.sender, ", ".join(to.to)
    message["Subject"] = " ".join(told.title.split())
    message["Message-ID"] = f"<{told.id}.{told.turn}@gridwire.invalid>"
    message["Date"] = told.at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_message(told) + "\n")
    kind: type[smtplib.SMTP] = _PinnedTls if to.security == "tls" else _Pinned
    options: dict[str, Any] = {"context": context} if to.security == "tls" else {}
    kind = type("At", (kind,), {"pinned": str(address)})
    try:
        with kind(to.host, to.port, local_hostname="gridwire", timeout=SECONDS, **options) as server:
            if to.security == "starttls":
                server.starttls(context=context)
            if to.user:
                server.login(to.user, to.password)
            server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise Undelivered(f"{to.host} did not take the password", lasting=True) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"{to.host} answered {error.smtp_code}", lasting=error.smtp_code >= 550) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"{to.host} was not reached: {_cause(error)}") from None


class _Pinned(smtplib.SMTP):
    """Calls the address that was judged; certificates are of the name all the same."""

    pinned = ""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self.pinned, port), timeout)


class _PinnedTls(smtplib.SMTP_SSL):
    pinned = ""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self.pinned, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def _cause(error: BaseException) -> str:
    """Of what kind, and of certificates why: texts of errors may hold a URL."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({found.verify_message})"
        if isinstance(found, OSError) and found.errno in errno.errorcode and not isinstance(found, ssl.SSLError):
            return os.strerror(found.errno or 0)
        found = found.__cause__ or found.__context__
    return type(error).__name__
