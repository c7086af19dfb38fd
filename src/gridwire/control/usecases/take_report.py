"""What follows from an agent's report: a leaked invitation, or a revocation that is finished."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Final

from gridwire.adapters.store import Snapshot, Writing
from gridwire.control.reports import Reports
from gridwire.control.usecases.follow_members import follow_members, follows
from gridwire.control.usecases.quarantine_node import leaks, quarantine
from gridwire.control.usecases.revoke_node import finish_revocations
from gridwire.core.errors import Invalid
from gridwire.core.fleet import Node, NodeState, Role
from gridwire.core.perimeter import Finding
from gridwire.protocol.agent import Report

# What a node says of itself is kept in memory, and is in the answer to everybody who lists nodes.
_MOST_FINDINGS: Final = 200
_LONGEST: Final = 2000  # characters


def take_report(
    reports: Reports,
    changing: Callable[[], AbstractContextManager[Writing]],
    snapshot: Snapshot,
    node: Node,
    report: Report,
    *,
    now: datetime,
) -> None:
    """Remember the report; open a transaction only where something has to change.

    Raise Invalid for another node's, and for one of a revision that there is not yet: what waits for a revision to
    be in force would be told so.
    """
    if report.node != node.name:
        raise Invalid("node", f"{report.node} is not {node.name}, which is who reports")
    if report.version > snapshot.version:
        raise Invalid(
            "version",
            f"{report.version[0]}.{report.version[1]} is newer than anything that control ever made",
            fix="after a restore the epoch has to be higher than before",
        )
    # A node speaks for itself: of its own checks and endpoints; of others' endpoints and peers where it is a gateway.
    gateway = node.role is Role.GATEWAY
    own = replace(
        report,
        agent_version=report.agent_version[:_LONGEST],
        detail=report.detail[:_LONGEST],
        findings=tuple(map(_shortened, report.findings[:_MOST_FINDINGS])),
        endpoints=tuple(e for e in report.endpoints if e.seen_by == node.name and (gateway or e.node == node.name)),
        peers=report.peers if gateway else (),
        members=report.members if gateway else (),
    )
    reports.take(node, own, now)
    if node.role is not Role.GATEWAY or node.state is not NodeState.ACTIVE:
        return
    if leaks(snapshot.fleet, own.peers):
        with changing() as transaction:
            for leaky in leaks(transaction.fleet(), own.peers):
                quarantine(transaction, leaky, why="its invitation was used again after it had joined", now=now)
    if follows(snapshot.fleet, own.members):
        with changing() as transaction:
            follow_members(transaction, own.members, now=now)
    if any(other.state is NodeState.REVOKING for other in snapshot.fleet.nodes):
        with changing() as transaction:
            finish_revocations(transaction, reports.all(), now=now)


def _shortened(finding: Finding) -> Finding:
    return replace(
        finding,
        id=finding.id[:_LONGEST],
        where=finding.where[:_LONGEST],
        what=finding.what[:_LONGEST],
        fix=finding.fix[:_LONGEST],
        evidence=finding.evidence[:_LONGEST],
    )
