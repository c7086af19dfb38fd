"""What operations may be refused for, beside what any may: codes of problems, and the headers that name a version."""

from __future__ import annotations

from typing import Any, Final

# Of anything that a person asks.
ANY: Final = ("not-known", "not-permitted", "login-wanted", "session-wanted", "internal", "no-grid", "database")
CHANGES: Final = ("may-read", "foreign-origin", "not-json", "too-large", "invalid")
IF_MATCH: Final = ("stale", "no-precondition")

# Operations on one noun, which name the version that they are of: whether they may make it, too.
CONDITIONAL: Final = {
    "putService": True,
    "deleteService": False,
    "putRoute": True,
    "deleteRoute": False,
    "putPolicy": True,
    "deletePolicy": False,
    "patchNode": False,
    "approveNode": False,
    "revokeNode": False,
    "rollBack": False,
}
CODES: Final[dict[str, tuple[str, ...]]] = {
    "getService": ("not-found",),
    "getRoute": ("not-found",),
    "getPolicy": ("not-found",),
    "getNode": ("not-found",),
    "getInvitation": ("not-found",),
    "getRevision": ("not-found",),
    "getFleet": ("not-found",),
    "getRevisionDifference": ("not-found", "invalid"),
    "explain": ("not-found", "invalid"),
    "putRoute": ("no-service", "route-taken"),
    "deleteService": ("not-found", "in-use"),
    "deleteRoute": ("not-found",),
    "deletePolicy": ("not-found", "in-use"),
    "patchNode": ("not-found", "conflict"),
    "approveNode": ("not-found", "not-pending", "not-confirmed"),
    "revokeNode": ("not-found", "last-gateway", "not-finished"),
    "addDevice": ("name-taken", "key-in-use", "on-a-tailnet"),
    "inviteNode": ("name-taken", "key-in-use", "on-a-tailnet", "conflict"),
    "cancelInvitation": ("not-found", "redeemed"),
    "rollBack": ("not-found", "route-taken"),
}
_LISTS: Final = "list"


def codes_of(operation: str, method: str) -> tuple[str, ...]:
    """Without those of logging in, which that noun says itself."""
    found = [*ANY]
    if method != "get":
        found += CHANGES
    elif operation.startswith(_LISTS):
        found.append("invalid")
    if operation in CONDITIONAL:
        found += IF_MATCH
    return tuple(dict.fromkeys((*found, *CODES.get(operation, ()))))


def headers_of(operation: str) -> list[dict[str, Any]]:
    if operation not in CONDITIONAL:
        return []
    named = [("If-Match", "The ETag of the version that this is a change of.")]
    if CONDITIONAL[operation]:
        named.append(("If-None-Match", "`*`: only where there is none of this name yet."))
    return [
        {"name": name, "in": "header", "required": False, "description": said, "schema": {"type": "string"}}
        for name, said in named
    ]
