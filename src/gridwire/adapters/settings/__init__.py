"""/etc/gridwire/gridwire.yaml: read with the place of every mistake, written without losing a comment."""

from gridwire.adapters.settings.document import Document, parse_document
from gridwire.adapters.settings.load import load, load_with_places
from gridwire.adapters.settings.write import add_reach, create, remove_reach, rendered, update

__all__ = [
    "Document",
    "add_reach",
    "create",
    "load",
    "load_with_places",
    "parse_document",
    "remove_reach",
    "rendered",
    "update",
]
