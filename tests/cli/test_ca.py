"""`gridwire ca` on a device of the mesh: the authority that the tunnel vouches for, whatever the environment says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from gridwire.adapters.settings import load
from gridwire.agent.state_dir import AgentState
from gridwire.core.enrollment import GatewayContact
from gridwire.core.fleet import Role
from gridwire.core.joined import JoinedAs
from gridwire.core.names import HostName, Interface, NodeName

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ca.pem" else 404)
        self.end_headers()
        self.wfile.write(PEM.encode())

    def log_message(self, *_: object) -> None:
        """Silent."""


def test_the_authority_comes_from_the_gateway_and_by_no_proxy(
    cli: Any, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    AgentState(load(str(settings_file)).paths.agent_state).save_identity(
        JoinedAs(
            node=NodeName("laptop"),
            role=Role.OPERATOR,
            address=ip_address("10.85.1.0"),
            prefix=ip_network("10.85.0.0/16"),
            interface=Interface("gw0"),
            suffix=HostName("grid"),
            gateways=(GatewayContact(node=NodeName("gw"), address=ip_address("127.0.0.1")),),
            api_port=server.server_port,
        )
    )
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    try:
        ran = cli("ca", "show", "-o", "json")
    finally:
        server.shutdown()
        server.server_close()
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["pem"] == PEM
