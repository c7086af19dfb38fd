"""A tree of plain values, as a YAML file gives it, read key by key: what is wrong has its dotted path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from gridwire.core.errors import Invalid
from gridwire.core.names import shown

UNKNOWN_KEY = "unknown-key"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the tree, its dotted path, and the keys that may stand in it."""

    tree: object
    path: str
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.tree is not None and not isinstance(self.tree, Mapping):
            raise Invalid(self.path, f"{kind(self.tree)} stands where keys and values belong", fix=self._known())
        for key in self.values:
            if key not in self.keys:
                near = get_close_matches(str(key), self.keys, n=1, cutoff=0.5)
                fix = f"did you mean {near[0]}?" if near else self._known()
                raise Invalid(self.at(str(key)), f"there is no key {shown(str(key))}", fix=fix, code=UNKNOWN_KEY)

    @property
    def values(self) -> Mapping[str, object]:
        return self.tree if isinstance(self.tree, Mapping) else {}

    def _known(self) -> str:
        return f"the keys are {', '.join(self.keys)}"

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def section(self, key: str, keys: tuple[str, ...]) -> Section:
        return Section(self.values.get(key), self.at(key), keys)

    def text(self, key: str, parse: Callable[[str, str], T], absent: T) -> T:
        value = self.values.get(key)
        if value is None:
            return absent
        if not isinstance(value, str):
            raise Invalid(self.at(key), f"{kind(value)} stands where text belongs", fix="put it in quotes")
        return parse(value, self.at(key))

    def flag(self, key: str, absent: bool) -> bool:
        value = self.values.get(key)
        if value is None:
            return absent
        if not isinstance(value, bool):
            raise Invalid(self.at(key), f"{kind(value)} stands where a yes or no belongs", fix="write true or false")
        return value

    def port(self, key: str, absent: int) -> int:
        return self.number(key, absent, "a port", 1, 65535)

    def number(self, key: str, absent: int, what: str, least: int, most: int) -> int:
        value = self.values.get(key)
        if value is None:
            return absent
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(self.at(key), f"{kind(value)} stands where {what} belongs", fix="give a number, unquoted")
        if not least <= value <= most:
            raise Invalid(self.at(key), f"{value} is not {what}", fix=f"give one from {least} to {most}")
        return value


def kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a fraction", list: "a list", dict: "a section of keys"}
    return "nothing" if value is None else names.get(type(value), "something else")
