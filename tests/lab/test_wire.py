"""The load client's HTTP: every byte that comes back is accounted for."""

from __future__ import annotations

import asyncio

import pytest

from gridwire.lab.wire import Exchange, Lost, parse_answer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("raw", "status", "body", "keep"),
    [
        pytest.param(OK, 200, b"ok", True, id="length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;x=y\r\n!\r\n0\r\n\r\n",
            200,
            b"ok!",
            True,
            id="chunked",
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True, id="no-body"),
        pytest.param(b"HTTP/1.1 502 B\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 502, b"", False, id="close"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok", True, id="after-100"),
    ],
)
def test_an_answer_is_read_whole(raw: bytes, status: int, body: bytes, keep: bool) -> None:
    parsed = parse_answer(raw)

    assert parsed is not None
    answer, used = parsed
    assert (answer.status, answer.body, answer.keep, used) == (status, body, keep, len(raw))


@pytest.mark.parametrize("length", range(len(OK)))
def test_half_an_answer_is_none(length: int) -> None:
    assert parse_answer(OK[:length]) is None


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\nto the end"

    assert parse_answer(raw) is None
    parsed = parse_answer(raw, ended=True)
    assert parsed is not None
    assert parsed[0].body == b"to the end"


def test_what_is_no_http_is_refused() -> None:
    with pytest.raises(ValueError, match="not an HTTP answer"):
        parse_answer(b"SSH-2.0-OpenSSH\r\n\r\n")


async def asked(*answers: bytes) -> Exchange:
    """Ask a server that says ``answers`` to one request and hangs up; give back the connection."""
    said = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for answer in answers:
            writer.write(answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        said.set()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        exchange = await Exchange.open("127.0.0.1", server.sockets[0].getsockname()[1], 5)
        try:
            await exchange.ask(b"GET / HTTP/1.1\r\n\r\n", 5)
        finally:
            await asyncio.wait_for(said.wait(), 5)
            await asyncio.wait_for(_ended(exchange), 5)
            exchange.close()
    return exchange


async def _ended(exchange: Exchange) -> None:
    """Until all that the other side said has arrived: its end of the connection came last."""
    while exchange.usable:  # noqa: ASYNC110  # it has no event to wait for
        await asyncio.sleep(0.002)


def test_a_second_answer_to_one_request_is_a_stray() -> None:
    assert asyncio.run(asked(OK, OK)).strays == 1


def test_one_answer_leaves_no_stray() -> None:
    assert asyncio.run(asked(OK)).strays == 0


def test_a_connection_that_closes_without_an_answer_lost_the_request() -> None:
    with pytest.raises(Lost, match="closed"):
        asyncio.run(asked())


def test_an_answer_that_comes_when_nothing_was_asked_is_a_stray() -> None:
    async def scene() -> int:
        answered = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await answered.wait()
            writer.write(OK)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            exchange = await Exchange.open("127.0.0.1", server.sockets[0].getsockname()[1], 5)
            await exchange.ask(b"GET / HTTP/1.1\r\n\r\n", 5)
            answered.set()
            await asyncio.wait_for(_ended(exchange), 5)
            exchange.close()
        return exchange.strays

    assert asyncio.run(scene()) == 1
