"""Texts for systemd: units from templates of ours, and the lines of sysusers.d and tmpfiles.d."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gridwire.core.errors import Invalid
from gridwire.core.installation import MARK, Folder

_PLACE = re.compile(r"@([a-z_]+)@")
# What systemd.unit(5) and logrotate(8) take for themselves: quotes, specifiers, variables, line ends. A word is a
# path or an option of ours; a text is several words.
_WORD = re.compile(r"[A-Za-z0-9/._+:@=-]+")


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with every @name@ replaced; raise Invalid for a path that a unit cannot hold as it stands.

    A value may be a fragment of ours, of several lines: what a person chose in it is checked by ``word`` before.
    """

    def value(match: re.Match[str]) -> str:
        return values[match[1]]

    return MARK + "\n" + _PLACE.sub(value, _PLACE.sub(value, template))


def word(text: str, field: str) -> str:
    """``text`` where it is one plain word; raise Invalid."""
    if not _WORD.fullmatch(text):
        raise Invalid(
            field, f"{text!r} cannot stand in a unit", fix="use a path of letters, digits and / . _ + : @ = -"
        )
    return text


def words(argv: Iterable[str], field: str) -> str:
    return " ".join(word(one, field) for one in argv)


def sysusers_text(users: Iterable[tuple[str, str]], home: str) -> str:
    """sysusers.d(5) for (name, what it is); empty without users."""
    lines = [f'u {name} - "{what}" {home} /usr/sbin/nologin' for name, what in users]
    return "\n".join([MARK, *lines, ""]) if lines else ""


def tmpfiles_text(folders: Iterable[Folder]) -> str:
    """tmpfiles.d(5): each is made where it is missing, and gets its owner and mode back."""
    lines = [f"d {folder.path} {folder.mode:04o} {folder.owner} {folder.group} -" for folder in folders]
    return "\n".join([MARK, *lines, ""])
