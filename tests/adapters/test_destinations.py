"""Notices as real receivers get them, and where none is ever sent to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import ssl
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from tests.sinks import certificates, post, web

from gridwire.adapters.destinations import Sender, Undelivered, is_own
from gridwire.core.notifications import Destination, Mail, Ntfy, Webhook, refused
from gridwire.protocol.notifications import Told

MESH = ip_network("10.85.0.0/16")
TOLD = Told(
    id="a1",
    turn="opened",
    grid="grid",
    at=datetime(2030, 1, 1, tzinfo=UTC),
    kind="node-down",
    subject="e1",
    what="its tunnel is down",
    fix="gridwire doctor e1",
)


def sent(to: Destination, *, trust: ssl.SSLContext | None = None) -> None:
    asyncio.run(Sender(lambda _: "", trust=trust).send(to, TOLD, 1_900_000_000))


def failure(to: Destination, **options: Any) -> Undelivered:
    with pytest.raises(Undelivered) as error:
        sent(to, **options)
    return error.value


def test_a_webhook_gets_json_that_is_signed() -> None:
    with web() as sink:
        sent(Webhook(url=f"http://localhost:{sink.port}/hook/s3cret?x=1", key="k"))
        ((path, headers, body),) = sink.got
    assert path == "/hook/s3cret?x=1"
    assert headers["host"] == f"localhost:{sink.port}"
    assert sink.bodies()[0]["subject"] == "e1"
    signature = hmac.new(b"k", b"1900000000." + body, hashlib.sha256).hexdigest()
    assert headers["x-gridwire-signature"] == f"t=1900000000,v1={signature}"


def test_ntfy_gets_what_it_publishes() -> None:
    with web() as sink:
        sent(Ntfy(url=f"http://127.0.0.1:{sink.port}", topic="grid", token="tk"))
        ((path, headers, _),) = sink.got
        body = sink.bodies()[0]
    assert (path, headers["authorization"]) == ("/", "Bearer tk")
    assert (body["topic"], body["title"], body["priority"]) == ("grid", "e1 (grid)", 4)
    assert body["message"] == "its tunnel is down\ngridwire doctor e1"


def test_a_redirect_leads_nowhere_and_answers_say_whether_it_is_worth_another_try() -> None:
    with web() as sink:
        to = Webhook(url=f"http://127.0.0.1:{sink.port}/")
        sink.answers = [302, 500, 404]
        assert [failure(to).lasting for _ in range(3)] == [False, False, True]
        assert [path for path, _, _ in sink.got] == ["/"] * 3
    unreached = failure(to)
    assert "refused" in unreached.what.lower()
    assert not unreached.lasting


def test_certificates_are_of_the_name_and_the_call_goes_to_the_address(tmp_path: Path) -> None:
    server, trust = certificates(tmp_path, "localhost")
    with web(server) as sink:
        sent(Webhook(url=f"https://localhost:{sink.port}/"), trust=trust)
        assert len(sink.got) == 1
        assert "not trusted" in failure(Webhook(url=f"https://localhost:{sink.port}/")).what
        assert "not trusted" in failure(Webhook(url=f"https://127.0.0.1:{sink.port}/"), trust=trust).what
        assert len(sink.got) == 1


@pytest.mark.parametrize(("security", "at_once"), [("starttls", False), ("tls", True)])
def test_mail_is_taken_behind_tls(tmp_path: Path, security: Any, at_once: bool) -> None:
    server, trust = certificates(tmp_path, "localhost")
    with post(server, at_once=at_once) as sink:
        to = Mail(
            host="localhost",
            port=sink.port,
            security=security,
            user="u",
            password="right",
            sender="grid@example.com",
            to=("a@example.com", "b@example.com"),
        )
        sent(to, trust=trust)
        assert sink.logins == [("u", "right")]
        assert not {"AUTH", "MAIL"} & set(sink.clear)
        ((sender, receivers, text),) = sink.mails
        assert "not trusted" in failure(to).what
        assert len(sink.logins) == 1
    assert "grid@example.com" in sender
    assert len(receivers) == 2
    mail = message_from_string(text, policy=default)
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("e1 (grid)", "auto-generated")
    assert mail.get_content().splitlines() == ["its tunnel is down", "gridwire doctor e1"]


def test_mail_that_is_not_taken_says_so(tmp_path: Path) -> None:
    server, trust = certificates(tmp_path, "localhost")
    plain = {"host": "localhost", "sender": "grid@example.com", "to": ("a@example.com",)}
    with post(server) as sink:
        to = Mail(port=sink.port, user="u", password="wrong", **plain)  # type: ignore[arg-type]
        assert failure(to, trust=trust).what == "localhost did not take the password"
    with post() as sink:
        sent(Mail(port=sink.port, security="none", **plain))  # type: ignore[arg-type]
        assert len(sink.mails) == 1
        assert not failure(Mail(port=sink.port, **plain)).lasting  # type: ignore[arg-type]  # it offers no TLS
        assert len(sink.mails) == 1


def test_a_name_is_judged_by_every_address_and_what_was_judged_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up would be answered otherwise, as by who means to lead control astray."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.pop(0)]

    async def run(to: Destination, judge: Any) -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        await Sender(judge).send(to, TOLD, 0)

    with web() as sink:
        to = Webhook(url=f"http://rebinds.example:{sink.port}/")
        asyncio.run(run(to, lambda _: ""))
        assert len(sink.got) == 1
        assert sink.got[0][1]["host"].startswith("rebinds.example")
        for mixed in (["169.254.169.254"], ["127.0.0.1", "192.168.1.1"], ["192.168.1.1", "10.85.0.1"]):
            answers[:] = [mixed]
            with pytest.raises(Undelivered) as error:
                asyncio.run(run(to, lambda address: refused(address, (MESH,))))
            assert error.value.lasting
        assert len(sink.got) == 1


def test_this_hosts_own_addresses_are_known_without_a_list() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("198.51.100.7"))


def test_no_error_holds_a_secret() -> None:
    to = Webhook(url="http://127.0.0.1:1/s3cret?token=s3cret", key="s3cret")
    assert "s3cret" not in str(failure(to))
