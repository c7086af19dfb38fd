"""The panel as nginx serves it: under which names, to whom, and what a page of it may run.

A page's inline scripts are known by their digests, so that no other script runs in it, whatever a text of the grid
says (Content Security Policy Level 3, §6.7.3.3).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from gridwire.core.addressing import Address
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Fleet, Node, Role
from gridwire.core.names import HostName

LABEL: Final = "panel"
_MOST_SCRIPTS = 200  # of one page: 53 bytes each, in every answer
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",  # the digests come behind it
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTable:
    """Of a gateway, as data. ``hosts``: names and address literals as a browser sends them, sorted; ``operators``: the
    mesh addresses of active operators' devices, sorted. ``version`` is (epoch, revision)."""

    version: tuple[int, int]
    hosts: tuple[str, ...]
    operators: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A panel that was built: the digest of all its files, and each page's policy by its path (``/nodes.html``)."""

    digest: str
    policies: tuple[tuple[str, str], ...] = ()


def panel_host(suffix: HostName) -> HostName:
    return HostName(f"{LABEL}.{suffix}")


def host_of(address: Address) -> str:
    """An address literal as it stands in Host and nginx's $host."""
    return f"[{address}]" if address.version == 6 else str(address)


def panel_table(fleet: Fleet, gateway: Node, version: tuple[int, int]) -> PanelTable:
    """For operators' devices, and never by a name that somebody else may have led here."""
    hosts = (panel_host(fleet.network.suffix), *map(host_of, gateway.addresses))
    operators = {address for node in fleet.active(Role.OPERATOR) for address in node.addresses}
    return PanelTable(version=version, hosts=tuple(sorted(hosts)), operators=tuple(sorted(operators, key=_by_family)))


def _by_family(address: Address) -> tuple[int, int]:
    return address.version, int(address)


def page_policy(page: str) -> str:
    """The Content-Security-Policy of an HTML page; raise Invalid for more inline scripts than a header holds."""
    digests = dict.fromkeys(_digest(script) for script in inline_scripts(page))
    if len(digests) > _MOST_SCRIPTS:
        raise Invalid("panel", f"a page has {len(digests)} inline scripts, more than {_MOST_SCRIPTS}")
    script = " ".join((_POLICY[1], *digests))
    return "; ".join((_POLICY[0], script, *_POLICY[2:]))


def inline_scripts(page: str) -> tuple[str, ...]:
    reader = _Scripts()
    reader.feed(page.replace("\r\n", "\n").replace("\r", "\n"))  # as a browser reads it, HTML §13.2.3.5
    reader.close()
    return tuple(reader.found)


def _digest(script: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self._inside = not any(name == "src" for name, _ in attrs)
            if self._inside:
                self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data
