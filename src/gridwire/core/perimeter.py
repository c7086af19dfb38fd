"""Findings: where the host differs from what it must be, with the next step for whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``id`` is a stable slug, ``where`` the part of the node it stands in (guard, mesh, proxy, names, …).

    ``evidence``: what was seen, word for word, for whoever doubts ``what``.
    """

    id: str
    severity: Severity
    where: str
    what: str
    fix: str = ""
    evidence: str = ""
