"""What nouns may be called: node, service, route, policy, tag and host names.

Names end up in log lines, file names, nftables comments, DNS and data for nginx, so the allowed alphabet is
the one that all of those take literally: an RFC 1035 label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NewType

from gridwire.core.errors import Invalid

NodeName = NewType("NodeName", str)
ServiceName = NewType("ServiceName", str)
RouteName = NewType("RouteName", str)
PolicyName = NewType("PolicyName", str)
HostName = NewType("HostName", str)
Interface = NewType("Interface", str)

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAG_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_INTERFACE = re.compile(r"[a-z][a-z0-9_.-]{0,14}")
_SHOWN = 60


def shown(value: str) -> str:
    """A value of a stranger's as it may be printed: repr, cut to 60 characters."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def check_label(value: str, field: str) -> str:
    """Return ``value`` if it is a lower-case RFC 1035 label of 1 to 63 characters; raise Invalid."""
    if _LABEL.fullmatch(value) is None:
        raise Invalid(
            field,
            f"{shown(value)} is not a name",
            fix="use 1 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends",
        )
    return value


def node_name(value: str, field: str = "name") -> NodeName:
    return NodeName(check_label(value, field))


def service_name(value: str, field: str = "name") -> ServiceName:
    return ServiceName(check_label(value, field))


def route_name(value: str, field: str = "name") -> RouteName:
    return RouteName(check_label(value, field))


def policy_name(value: str, field: str = "name") -> PolicyName:
    return PolicyName(check_label(value, field))


def interface_name(value: str, field: str = "interface") -> Interface:
    """An interface name that kernel, nft and nginx take literally: at most 15 bytes (IFNAMSIZ - 1)."""
    if _INTERFACE.fullmatch(value) is None:
        raise Invalid(field, f"{shown(value)} is not an interface name", fix="use at most 15 of a-z 0-9 _ . -")
    return Interface(value)


def check_tag(key: str, value: str, field: str = "tag") -> tuple[str, str]:
    """Return the tag if key and value are of the allowed alphabet; raise Invalid."""
    if _TAG_KEY.fullmatch(key) is None:
        raise Invalid(field, f"{shown(key)} is not a tag key", fix="start with a-z, then a-z 0-9 _ . -")
    if _TAG_VALUE.fullmatch(value) is None:
        raise Invalid(field, f"{shown(value)} is not a tag value", fix="use letters, digits and _ . -")
    return key, value


def parse_tag(text: str, field: str = "tag") -> tuple[str, str]:
    """``key=value`` → the pair; raise Invalid."""
    key, equals, value = text.partition("=")
    if not equals:
        raise Invalid(field, f"{shown(text)} is not a tag", fix="write it as key=value")
    return check_tag(key, value, field)


def check_tags(tags: Iterable[tuple[str, str]], field: str = "tags") -> tuple[tuple[str, str], ...]:
    """Return the tags in order of their keys; raise Invalid for one that is wrong, or a key with two values."""
    found = [check_tag(key, value, field) for key, value in tags]
    check_one_value(found, field)
    return tuple(sorted(set(found)))


def check_one_value(tags: Iterable[tuple[str, str | None]], field: str = "tag") -> None:
    """Raise Invalid for a key that stands there with two values; none is a tag to be taken off."""
    found: dict[str, str | None] = {}
    for key, value in tags:
        if found.setdefault(key, value) != value:
            values = " and ".join("none" if one is None else one for one in (found[key], value))
            raise Invalid(field, f"{key} has two values, {values}", fix="give each key once")


def host_name(value: str, field: str = "host") -> HostName:
    """A DNS name in lower case without a trailing dot, at most 253 characters (RFC 1035 §2.3.4)."""
    if len(value) > 253 or not value or any(_LABEL.fullmatch(label) is None for label in value.split(".")):
        raise Invalid(field, f"{shown(value)} is not a host name", fix="use labels of a-z 0-9 - joined by dots")
    if value.rsplit(".", 1)[-1].isdigit():
        raise Invalid(field, f"{shown(value)} looks like an address", fix="give a host name")
    return HostName(value)


def host_pattern(value: str, field: str = "host") -> str:
    """A host name, or ``*.`` and one: the wildcard stands for one or more labels."""
    if value.startswith("*."):
        return f"*.{host_name(value[2:], field)}"
    return host_name(value, field)


def under_suffix(pattern: str, suffix: str) -> str:
    """A pattern of one label (``api``, ``*``) stands under the grid's suffix; a longer one for itself."""
    if pattern == "*":
        return f"*.{suffix}"
    return pattern if "." in pattern else f"{pattern}.{suffix}"
