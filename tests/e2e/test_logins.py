"""Who may see and change the grid in a browser: sessions that end, readers, other devices, passkeys."""

from __future__ import annotations

import base64
import json
import ssl
import sys
from datetime import timedelta

import pytest
from tests.e2e.truth import newest
from tests.e2e.walks import NAME, PASSWORD, Browser

from gridwire.core.sessions import ABSOLUTE
from gridwire.lab.grid import CLIENT, EDGES, GATEWAY, OPERATOR, SERVICE, STRANGER

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
READER = "eve"
SECURE = "https://panel.grid:2443"
OUTLIVE = """
import sqlite3, sys
with sqlite3.connect("/var/lib/gridwire/control/gridwire.db") as database:
    database.execute("UPDATE sessions SET began_at = began_at - ?", (int(sys.argv[1]),))
"""
# Chromium takes authorities from a policy of the host's; Debian's and Google's look for it at different places.
POLICIES = ("/etc/chromium/policies/managed", "/etc/opt/chrome/policies/managed")
SHOWN = (
    "/",
    "/nodes",
    f"/nodes?name={EDGES[0]}",
    f"/nodes?name={EDGES[0]}&show=tags",
    "/nodes/add",
    "/services/add",
    "/routes/add",
    "/services",
    f"/services?name={SERVICE}&show=edit",
    "/routes",
    "/routes?name=api&show=edit",
    "/policies",
    "/revisions",
    "/revisions?number=1",
    "/settings?show=operators",
    "/settings?show=notifications",
)
LOGIN = {"name": NAME, "password": PASSWORD, "code": None}
ROUTE = {"name": "mine", "host": "mine", "path": "/", "to": SERVICE, "allow": []}
CHANGES = (
    ("PUT", "/routes/mine", ROUTE),
    ("PUT", "/routes/mine?preview=true", ROUTE),
    ("DELETE", "/routes/api", None),
    ("PATCH", f"/nodes/{EDGES[0]}", {"drained": True}),
    ("POST", f"/nodes/{EDGES[0]}/revoke", None),
    ("POST", "/revisions/1/rollback", None),
    ("POST", "/operators", {"name": "mallory", "may": "change"}),
)


def test_a_session_that_is_over_leads_to_the_login_and_back_to_where_it_was(operator: Browser) -> None:
    grid = operator.grid
    long_ago = ABSOLUTE + timedelta(hours=1)

    def outlive(_: None) -> None:
        """Its sessions began longer ago than one may last."""
        grid.gateway.run([sys.executable, "-c", OUTLIVE, str(long_ago // timedelta(microseconds=1))])

    walked = operator.walk("expiry", {"the session is over": outlive}, path="/nodes?filter=edge")
    print(walked.figures)
    assert walked.wrong == []


def test_who_may_only_look_is_offered_no_change_and_refused_every_one(operator: Browser) -> None:
    grid = operator.grid
    before = newest(grid)
    link = grid.command(GATEWAY, "operator", "add", READER).strip().splitlines()[-1]

    def look_only(_: None) -> None:
        grid.command(GATEWAY, "operator", "may", READER, "read")

    walked = operator.walk("reader", {"may only look": look_only}, link=link, pages=SHOWN, changes=CHANGES)
    assert walked.wrong == []
    assert f"{READER.capitalize()} may read and not change" in walked.figures["refusal"]
    assert walked.figures["changes"] == {f"{method} {path}": "403 may-read" for method, path, _ in CHANGES}
    assert newest(grid) == before


def test_a_device_that_is_no_operators_gets_nothing(operator: Browser) -> None:
    grid = operator.grid
    gateway = grid.mesh[GATEWAY]
    pages = [f"http://{gateway}:2086{path}" for path in ("/", "/login", "/nodes")]
    closed = [f"https://{gateway}:2443/", f"http://{grid.lab.address(GATEWAY)}:2086/"]
    asked = [("GET", "/api/v1/nodes", None), ("GET", "/api/v1/session", None), ("POST", "/api/v1/session", LOGIN)]
    walked = operator.walk("outsider", on=CLIENT, pages=pages, closed=closed, asked=asked, patience=4000)
    assert walked.wrong == []
    refused = {f"{method} {path}": "403 not-permitted" for method, path, _ in asked}
    assert walked.figures["answers"] == {**dict.fromkeys(pages, 403), **dict.fromkeys(closed, 0), **refused}
    walked = operator.walk("outsider", on=STRANGER, pages=pages[:1], closed=closed, asked=[], patience=2000)
    assert walked.figures["answers"] == dict.fromkeys([pages[0], *closed], 0)


def test_a_passkey_is_added_and_opens_the_panel_until_it_is_removed(operator: Browser) -> None:
    laptop = operator.grid.host(OPERATOR)
    authority = base64.b64encode(ssl.PEM_cert_to_DER_cert(operator.grid.command(GATEWAY, "ca", "show"))).decode()
    for directory in POLICIES:
        path = laptop.root / directory.lstrip("/")
        path.mkdir(parents=True, exist_ok=True)
        (path / "grid.json").write_text(json.dumps({"CACertificates": [authority]}))
    walked = operator.walk("passkey", base=SECURE)
    assert walked.wrong == []
    assert walked.figures["made for"] == ["panel.grid"]
