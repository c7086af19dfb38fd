"""Where people are told: a webhook, ntfy, or mail. What of it is secret is never shown again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from gridwire.core.addressing import Address, Prefix
from gridwire.core.endpoint import is_literal
from gridwire.core.errors import Invalid
from gridwire.core.names import shown

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
# What answers on these is the cloud's own, with keys of this machine (AWS, Alibaba, Oracle); link-local ones go anyway.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """POST of JSON. ``key``: signs it (HMAC-SHA256), so that the receiver knows who speaks."""

    kind: Literal["webhook"] = "webhook"
    url: str
    key: str = ""

    def __post_init__(self) -> None:
        web_address(self.url)
        _secret("key", self.key)

    def __repr__(self) -> str:
        return f"Webhook({self.told()})"

    def told(self) -> str:
        """Without what is secret: paths of webhooks often are."""
        parts = web_address(self.url)
        return f"{parts.scheme}://{parts.netloc}/…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ntfy:
    """https://ntfy.sh or a server of one's own; who knows the topic may read it."""

    kind: Literal["ntfy"] = "ntfy"
    url: str = "https://ntfy.sh"
    topic: str
    token: str = ""

    def __post_init__(self) -> None:
        web_address(self.url)
        if _TOPIC.fullmatch(self.topic) is None:
            raise Invalid("topic", "it is no topic of ntfy", fix="use up to 64 letters, digits, - and _")
        _secret("token", self.token)

    def __repr__(self) -> str:
        return f"Ntfy({self.told()})"

    def told(self) -> str:
        return f"a topic of {web_address(self.url).netloc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """By SMTP. ``security``: none only where there is no password to be seen on the way."""

    kind: Literal["smtp"] = "smtp"
    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    sender: str
    to: tuple[str, ...]

    def __post_init__(self) -> None:
        if _HOST.fullmatch(self.host) is None and not is_literal(self.host):
            raise Invalid("host", f"{shown(self.host)} is no host")
        if not 1 <= self.port <= 65535:
            raise Invalid("port", f"{self.port} is no port")
        for field, boxes in (("sender", (self.sender,)), ("to", self.to)):
            for box in boxes:
                if _MAILBOX.fullmatch(box) is None:
                    raise Invalid(field, f"{shown(box)} is no address of mail")
        if not 1 <= len(self.to) <= 20:
            raise Invalid("to", "give one to twenty addresses")
        if self.security == "none" and (self.user or self.password):
            raise Invalid("security", "a password would go in clear", fix="use starttls or tls")
        _secret("user", self.user)
        _secret("password", self.password)

    def __repr__(self) -> str:
        return f"Mail({self.told()})"

    def told(self) -> str:
        return f"{', '.join(self.to)} by {self.host}:{self.port}"


Destination = Webhook | Ntfy | Mail


def destination_name(text: str) -> str:
    """Raise Invalid for what is no name of a destination."""
    if _NAME.fullmatch(text) is None:
        raise Invalid("name", f"{shown(text)} is no name", fix="use a-z, 0-9 and -, at most 63 characters")
    return text


def web_address(url: str) -> SplitResult:
    """The parts of an http(s) URL with a host and without a login; raise Invalid."""
    fix = "write it like https://hooks.example.com/path"
    if len(url) > 2048 or not url.isascii() or not url.isprintable() or any(c in url for c in ' "<>\\^`{|}'):
        raise Invalid("url", "it is no URL", fix=fix)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("url", "it is no URL", fix=fix) from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not (_HOST.fullmatch(host) or is_literal(host)) or port == 0:
        raise Invalid("url", "it is no address of the web", fix=fix)
    if "@" in parts.netloc:
        raise Invalid("url", "a login may not stand in it", fix="give the receiver a key or a token")
    return parts


def refused(address: Address, mesh: tuple[Prefix, ...]) -> str:
    """Why nothing is sent to an address, whoever asks; empty where it may be. An operator's URL must not make control
    speak to what trusts it: this host, the mesh, the cloud's own services."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if inner is not None:
            return refused(inner, mesh)
    if address.is_loopback or address.is_unspecified:
        return "it is this host"
    if address.is_link_local or address in _METADATA:
        return "it is link-local, as services of clouds are"
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        return "it is no one host"
    if any(address.version == prefix.version and address in prefix for prefix in mesh):
        return "it is on the mesh"
    return ""


def _nat64(address: IPv6Address) -> IPv4Address | None:
    number = int(address)
    return IPv4Address(number & 0xFFFFFFFF) if number >> 32 == int(IPv6Address("64:ff9b::")) >> 32 else None


def _secret(field: str, text: str) -> None:
    if len(text) > 512 or not (text.isascii() and (text.isprintable() or not text)):
        raise Invalid(field, "it is longer than 512 characters, or not of ASCII alone")
