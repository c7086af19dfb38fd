"""What no load may show, whatever happened to the grid under it."""

from __future__ import annotations

from gridwire.lab.load import Plan, Report
from gridwire.lab.load_run import Account
from gridwire.lab.proofs.proof import Detail


def lost(report: Report) -> int:
    """Requests that no edge answered with success."""
    return report.sent - sum(report.shares.values())


def losses(plan: Plan, report: Report, books: Account) -> dict[str, bool]:
    """Names of losses, and whether there were any. A load that ended early saw too little to say."""
    return {
        "the load ended before what it was to see": report.ran_out,
        "requests lost": lost(report) > 0,
        "answered twice": report.answered_twice > 0,
        "no record acknowledged": not books.acknowledged,
        "records missing": bool(books.missing),
        "records doubled": bool(books.doubled),
        "WebSockets dropped": report.websockets_dropped > 0 or report.websockets_opened < plan.websockets,
        "WebSockets silent at the end": report.websockets_silent > 0,
    }


def figures(report: Report, books: Account) -> dict[str, Detail]:
    """The load's figures, as every proof under load shows them."""
    return {
        "sent": report.sent,
        "lost": lost(report),
        "doubled": report.answered_twice + len(books.doubled),
        "records_acknowledged": books.acknowledged,
        "records_missing": len(books.missing),
        "websockets_opened": report.websockets_opened,
        "websockets_dropped": report.websockets_dropped,
        "websockets_silent": report.websockets_silent,
        "websocket_messages": report.websocket_messages,
        "statuses": report.statuses,
        "errors": report.errors,
        "latency_ms": report.latency_ms,
    }
