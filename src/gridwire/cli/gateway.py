"""``gridwire --gateway URL --token-file FILE …``: the grid's commands from an operator's device, by an API token.

The three options stand before the command. The token is in a file that its owner alone may read; it is never an
argument, and over plain HTTP it is sent to a mesh address alone, since a name may lead out of the mesh.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gridwire.core.endpoint import is_literal
from gridwire.core.errors import Invalid, NotPermitted, Unavailable
from gridwire.core.sessions import TOKEN_PREFIX

if TYPE_CHECKING:
    import ssl

    from gridwire.adapters.control_api import ControlApi

OPTIONS: Final = ("--gateway", "--token-file", "--ca")
_LONGEST = 1024  # bytes of a token's file


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """``url``: ``http://10.85.0.1:2086`` or ``https://panel.grid``; ``ca``: a PEM file, none for this host's own."""

    url: str
    token_file: str
    ca: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise Invalid("--gateway", "it is no URL of a gateway", fix="write it like http://10.85.0.1:2086")
        if parts.username is not None or parts.password is not None:
            raise Invalid("--gateway", "a secret does not belong into it", fix="give --token-file FILE")
        if parts.scheme == "http" and not is_literal(parts.hostname):
            raise Invalid(
                "--gateway",
                "a token is not sent to a name without TLS",
                fix="give the gateway's mesh address, like http://10.85.0.1:2086, or https",
            )

    @contextmanager
    def api(self) -> Iterator[ControlApi]:
        from gridwire.adapters.control_api import ControlApi

        headers = {"Authorization": f"Bearer {read_token(self.token_file)}"}
        with ControlApi(self.url.rstrip("/"), headers, trust=_trust(self.ca)) as api:
            yield api


_CHOSEN: ContextVar[Gateway | None] = ContextVar("gateway", default=None)


def chosen() -> Gateway | None:
    """The gateway that this command line asks; none: control on this host."""
    return _CHOSEN.get()


@contextmanager
def asked_of(arguments: Sequence[str]) -> Iterator[list[str]]:
    """The arguments without those that stand before the command; raise Invalid for one that is wrong."""
    rest, given = list(arguments), dict[str, str]()
    while rest and rest[0].partition("=")[0] in OPTIONS:
        name, equals, value = rest.pop(0).partition("=")
        if not equals:
            if not rest:
                raise Invalid(name, "it has no value", fix=f"gridwire {name} … COMMAND")
            value = rest.pop(0)
        given[name] = value
    if given and "--gateway" not in given:
        raise Invalid("--gateway", "it is missing", fix="gridwire --gateway URL --token-file FILE COMMAND")
    if given and "--token-file" not in given:
        raise Invalid(
            "--token-file", "it is missing", fix="make one on the gateway: gridwire token add LABEL --operator NAME"
        )
    found = None
    if given:
        found = Gateway(url=given["--gateway"], token_file=given["--token-file"], ca=given.get("--ca"))
    before = _CHOSEN.set(found)
    try:
        yield rest
    finally:
        _CHOSEN.reset(before)


def read_token(path: str) -> str:
    """Raise NotPermitted for a file that others may read, Invalid for one that holds no token."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            seen = os.fstat(file.fileno())
            if not stat.S_ISREG(seen.st_mode):
                raise Invalid("--token-file", f"{path} is no file", fix="give a file of mode 0600")
            if seen.st_mode & 0o077:
                raise NotPermitted(
                    f"others may read {path}, so it is no secret", fix=f"chmod 600 {path}; revoke it first"
                )
            content = file.read(_LONGEST)
    except OSError as error:
        raise Invalid("--token-file", f"{path} cannot be read: {error.strerror}", fix="give a file") from None
    token = content.decode("ascii", "replace").strip()
    if not token.startswith(TOKEN_PREFIX) or not token.isprintable() or " " in token:
        raise Invalid(
            "--token-file", f"{path} holds no API token", fix=f"it is one line that begins with {TOKEN_PREFIX}"
        )
    return token


def _trust(ca: str | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(f"{ca} holds no certificates ({error})", fix="give a PEM file") from None
