"""docs/reference/settings.md names every setting with its default, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from gridwire.core.names import NodeName
from gridwire.core.settings import NodeSettings, Settings, parse_settings

PAGE = Path(__file__).parents[2] / "docs/reference/settings.md"
ROW = re.compile(r"^\| `([a-z_.]+)` \| (?:`([^`]*)`|(none|—)) \|", re.MULTILINE)
_KEYS = {"database_url": "database.url"}


def settings(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Dotted key and default of each."""
    assert is_dataclass(value)
    for field in fields(value):
        key = _KEYS.get(field.name, f"{path}{field.name}")
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            yield from settings(inner, f"{key}.")
        else:
            yield key, inner


def written(default: object) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return "[]" if default == () else str(default)


DEFAULTS = dict(settings(Settings(node=NodeSettings(name=NodeName("gw")))))
ROWS = {key: default or without for key, default, without in ROW.findall(PAGE.read_text())}


def test_every_setting_stands_there_and_no_other() -> None:
    assert set(ROWS) == set(DEFAULTS)
    assert ROWS.pop("node.name") == "—"
    assert {key: written(default) for key, default in DEFAULTS.items() if key != "node.name"} == ROWS


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_each_is_a_key_that_the_file_may_have(key: str) -> None:
    tree: dict[str, object] = {"node": {"name": "gw"}}
    place = tree
    *sections, last = key.split(".")
    for section in sections:
        place = place.setdefault(section, {})  # type: ignore[assignment]
    place.setdefault(last, None)
    parse_settings(tree)
