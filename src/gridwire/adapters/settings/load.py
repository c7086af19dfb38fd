"""The settings file → ``Settings``; every mistake with file:line:column and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridwire.adapters.settings.document import Document, parse_document
from gridwire.core import paths
from gridwire.core.errors import Invalid, NotPermitted, Unavailable
from gridwire.core.settings import Settings, parse_settings
from gridwire.core.settings_tree import UNKNOWN_KEY


def load(path: str | Path = paths.SETTINGS) -> Settings:
    """Raise Unavailable where there is no file, NotPermitted, and Invalid with file:line:column."""
    return settings_of(parse_document(read(path), str(path)))


def load_with_places(path: str | Path = paths.SETTINGS) -> tuple[Settings, Callable[[str], str]]:
    """As ``load``, with where each dotted key's value stands, as file:line:column."""
    document = parse_document(read(path), str(path))
    return settings_of(document), document.place


def read(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode()
    except FileNotFoundError:
        raise Unavailable(
            f"there is no {path}: this host is not part of a grid",
            fix="run `gridwire init` for a gateway, or `gridwire join` with an invitation",
        ) from None
    except PermissionError:
        raise NotPermitted(f"{path} may not be read", fix="run it as root") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}:1:1", f"byte {error.start} is not UTF-8", fix="save the file as UTF-8") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None


def settings_of(document: Document) -> Settings:
    try:
        return parse_settings(document.tree)
    except Invalid as error:
        place = document.place(error.field, key=error.code == UNKNOWN_KEY)
        what = error.what if error.code == UNKNOWN_KEY or not error.field else f"{error.field}: {error.what}"
        raise Invalid(place, what, fix=error.fix, code=error.code) from None
