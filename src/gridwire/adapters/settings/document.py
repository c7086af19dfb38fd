"""YAML 1.2 text → a tree of plain values, and where in the file each key and value stands.

Positions are of the form file:line:column, counted from 1. Duplicate keys, anchors, tags, merge keys and more
than one document are refused: nothing in a settings file needs them, and each hides something from a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gridwire.core.errors import Invalid
from gridwire.core.names import shown

_TAG = "tag:yaml.org,2002:"
_DEEPEST = 20
_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """``tree`` and, by dotted path (``network.ports.api``, ``reach[2]``), where keys and values stand."""

    name: str
    tree: object
    keys: dict[str, str]
    values: dict[str, str]

    def place(self, path: str, *, key: bool = False) -> str:
        """file:line:column of a path's value, or of its key; of the nearest thing around it where it is absent."""
        where = self.keys if key else self.values
        while path:
            if path in where:
                return where[path]
            where = self.values
            path = path[: path.rfind("[")] if path.endswith("]") else path.rpartition(".")[0]
        return self.values.get("", f"{self.name}:1:1")


def parse_document(text: str, name: str) -> Document:
    """Raise Invalid with file:line:column. An empty text is an empty mapping's tree: None."""
    document = Document(name, None, {}, {})
    if len(text) > _LONGEST:
        raise Invalid(f"{name}:1:1", "the file is longer than a megabyte")
    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else f"{name}:1:1"
        problem = " ".join(str(error.problem or error.context or "it is not YAML").split())
        raise Invalid(place, problem, fix="check the indentation and the quotes around it") from None
    except YAMLError as error:
        raise Invalid(f"{name}:1:1", f"it is not YAML ({' '.join(str(error).split())[:120]})") from None
    if root is None:
        return document
    return Document(name, _value(document, root, "", 0), document.keys, document.values)


def _value(document: Document, node: Any, path: str, depth: int) -> object:
    place = _place(document, node)
    document.values[path] = place
    if depth > _DEEPEST:
        raise Invalid(place, "it is nested too deeply")
    if getattr(node, "anchor", None):
        raise Invalid(place, "anchors and aliases are not read here", fix="write the value out")
    kind = str(node.tag or "").removeprefix(_TAG)
    if isinstance(node, MappingNode | SequenceNode) and kind not in ("map", "seq"):
        raise Invalid(place, f"the tag {shown(kind)} is not read here", fix="write the value without a tag")
    if isinstance(node, MappingNode):
        return _mapping(document, node, path, depth)
    if isinstance(node, SequenceNode):
        return [_value(document, item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
    return _scalar(node, place)


def _mapping(document: Document, node: MappingNode, path: str, depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        place = _place(document, key_node)
        if not isinstance(key_node, ScalarNode):
            raise Invalid(place, "a key is one word")
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        if key in found:
            raise Invalid(
                place,
                f"the key {shown(key)} stands there twice",
                fix=f"it stands at {document.keys[below]} already; remove one",
            )
        document.keys[below] = place
        found[key] = _value(document, value_node, below, depth + 1)
    return found


def _scalar(node: Any, place: str) -> object:
    if not isinstance(node, ScalarNode):
        raise Invalid(place, "it is neither a value, a list nor a section")
    text = str(node.value)
    kind = str(node.tag or "").removeprefix(_TAG)
    if node.style in ("'", '"', "|", ">") or kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        try:
            return int(text.replace("_", ""), 0) if text[:2] in ("0x", "0o") else int(text)
        except ValueError:
            return text
    if kind == "float":
        return _float(text)
    if kind in ("timestamp", "merge", "value"):
        return text
    raise Invalid(place, f"the tag {shown(kind)} is not read here", fix="write the value without a tag")


def _float(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _place(document: Document, node: Node) -> str:
    return f"{document.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
