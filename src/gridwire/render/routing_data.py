"""The documents that Lua reads: tables → JSON. Addresses are exploded, so that one spelling is one key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gridwire.core.certificates import CertificateTable
from gridwire.core.fleet import Balance
from gridwire.core.health import Health
from gridwire.core.names import NodeName, ServiceName
from gridwire.core.panel import Built, PanelTable, page_policy
from gridwire.core.proxy import EdgeTable, Pool, RoutingTable
from gridwire.core.targets import Target, UnixTarget


def routing_data(table: RoutingTable) -> dict[str, Any]:
    return {
        "version": list(table.version),
        "routes": [
            {"name": r.name, "host": r.host, "path": r.path, "grant": r.grant, "service": r.service}
            for r in table.routes
        ],
        "grants": [{"id": g.id, "addresses": [a.exploded for a in g.addresses]} for g in table.grants],
        "pools": [_pool(pool) for pool in table.pools],
        "closed": list(table.closed),
    }


def _pool(pool: Pool) -> dict[str, Any]:
    return {
        "service": pool.service,
        "balance": str(Balance(pool.balance)),
        "retries": pool.retries,
        "connect_timeout_ms": pool.connect_timeout_ms,
        "read_timeout_ms": pool.read_timeout_ms,
        "send_timeout_ms": pool.send_timeout_ms,
        "endpoints": [
            {
                "node": endpoint.node,
                "address": endpoint.address.exploded,
                "port": endpoint.port,
                "weight": endpoint.weight,
                "drained": endpoint.drained,
            }
            for endpoint in pool.endpoints
        ],
    }


def edge_data(table: EdgeTable) -> dict[str, Any]:
    return {
        "version": list(table.version),
        "gateways": [address.exploded for address in table.gateways],
        "services": [
            {
                "service": service.service,
                "target": {"kind": "unix", "path": service.target.path}
                if isinstance(service.target, UnixTarget)
                else {"kind": "tcp", "address": service.target.address.exploded, "port": service.target.port},
                "health": {
                    "kind": service.health.kind,
                    "host": _check_host(service.target),
                    "path": service.health.path,
                    "status": service.health.status,
                    "timeout_ms": service.health.timeout_ms,
                },
                "connect_timeout_ms": service.connect_timeout_ms,
                "read_timeout_ms": service.read_timeout_ms,
                "send_timeout_ms": service.send_timeout_ms,
            }
            for service in table.services
        ],
    }


def _check_host(target: Target) -> str:
    """The Host that a check is sent with: the target as its owner wrote it, as curl would send it from the edge.

    No route's host, of which there are many or none. An application that looks at Host takes its own address sooner
    than a name that it never heard of (address literals and localhost are what frameworks let through by themselves),
    its owner can allow it on every edge alike, and can see the same answer by hand.
    """
    if isinstance(target, UnixTarget):
        return "localhost"
    return str(target).removesuffix(":80")  # RFC 9110 §4.2.1: the default port is left out


def panel_data(table: PanelTable, built: Built | None) -> dict[str, Any]:
    """``built`` none: there are no files to serve. A page that is not known may run no script of its own."""
    return {
        "version": list(table.version),
        "hosts": list(table.hosts),
        "operators": [address.exploded for address in table.operators],
        "built": None if built is None else built.digest,
        "policy": page_policy(""),
        "policies": {} if built is None else dict(built.policies),
    }


def certificate_data(version: tuple[int, int], table: CertificateTable) -> dict[str, Any]:
    """Names of files, which hold the keys; nothing here is secret."""
    return {
        "version": list(version),
        "hosts": dict(table.files),
        "default": table.default,
        "authority": table.authority_pem,
    }


def health_data(states: Mapping[tuple[ServiceName, NodeName], Health]) -> dict[str, Any]:
    """A gateway's own verdicts. What it is still checking is left out, and so tried."""
    told = (Health.UP, Health.DOWN, Health.UNKNOWN)
    return {"endpoints": {f"{s}/{n}": str(health) for (s, n), health in sorted(states.items()) if health in told}}


def document_text(data: Mapping[str, Any]) -> str:
    """One spelling per document, so that its digest says whether nginx serves it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")) + "\n"


def document_digest(text: str) -> str:
    """What nginx answers for a document that it serves (Lua has MD5 at hand; this is no signature)."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
