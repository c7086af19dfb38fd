"""Core dataclasses to stored JSON and back: pydantic's adapters, fields in the order of the class."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import TypeAdapter

from gridwire.core.fleet import Fleet, Network, Node, Policy, Route, Service

NETWORK: Final = TypeAdapter(Network)
NODE: Final = TypeAdapter(Node)
SERVICE: Final = TypeAdapter(Service)
ROUTE: Final = TypeAdapter(Route)
POLICY: Final = TypeAdapter(Policy)
FLEET: Final = TypeAdapter(Fleet)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + value * _MICROSECOND
