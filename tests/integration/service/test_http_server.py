"""The listener against clients that no library of ours would be."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator

import pytest

from service.http_server import HttpServer, new_application, require_c_parser
from tests.integration.service.web_stub import WebStub
from tests.support import eventually

BODY = b"hello"
HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
GOOD = HEAD + LENGTH + b"\r\n" + BODY
LAST = HEAD + LENGTH + b"Connection: close\r\n\r\n" + BODY
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture
async def stub() -> AsyncIterator[WebStub]:
    async with WebStub(head_deadline_s=10.0) as stub:
        yield stub


@pytest.fixture
async def hasty() -> AsyncIterator[WebStub]:
    """For what is about deadlines: others it could end on a busy machine."""
    async with WebStub(head_deadline_s=0.3) as stub:
        yield stub


def problem(reply: bytes) -> tuple[int, str]:
    """Status and code of a problem document, which the reply must be, with a request id."""
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, reply[:300]
    assert head.count(b"\r\nX-Request-Id: ") == 1
    document = json.loads(body)
    assert document["status"] == int(head.split()[1])
    return document["status"], document["code"]


async def test_a_good_request_is_answered(stub: WebStub) -> None:
    assert (await stub.raw(LAST)).endswith(b"\r\n\r\nhello")


async def test_no_bytes_at_all_are_cut_off_at_the_deadline(hasty: WebStub) -> None:
    started = time.monotonic()
    assert await hasty.raw() == b""
    assert 0.2 < time.monotonic() - started < 10


@pytest.mark.parametrize("part", [b"P", b"POST /echo HTTP/1.1\r\n", HEAD, HEAD + b"X: y\r"])
async def test_half_a_head_is_cut_off_at_the_deadline(hasty: WebStub, part: bytes) -> None:
    assert await hasty.raw(part) == b""
    assert hasty.requests == 0


async def test_a_dripping_head_wins_no_time(hasty: WebStub) -> None:
    reader, writer = await hasty.connect()
    started = time.monotonic()
    closed = asyncio.create_task(reader.read())
    while not closed.done() and time.monotonic() - started < 10:
        writer.write(b"a")
        await asyncio.wait({closed}, timeout=0.02)
    assert time.monotonic() - started < 5
    await asyncio.gather(closed, return_exceptions=True)
    writer.transport.abort()


async def test_the_second_head_has_the_same_deadline(hasty: WebStub) -> None:
    reader, writer = await hasty.connect()
    writer.write(GOOD)
    await reader.readuntil(b"hello")
    writer.write(b"POST /ec")
    started = time.monotonic()
    rest = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 10)
    assert rest[0] == b"" or isinstance(rest[0], ConnectionError)
    assert time.monotonic() - started > 0.2
    assert hasty.requests == 1
    writer.transport.abort()


async def test_an_idle_connection_outlives_the_heads_deadline(hasty: WebStub) -> None:
    reader, writer = await hasty.connect()
    for _ in range(3):
        writer.write(GOOD)
        await reader.readuntil(b"hello")
        await asyncio.sleep(0.2)  # idle on purpose: three times this is over the deadline
    assert hasty.requests == 3
    writer.transport.abort()


async def test_a_taken_reply_ends_no_connection() -> None:
    async with WebStub(write_deadline_s=0.05) as stub:
        reader, writer = await stub.connect()
        writer.write(GOOD)
        await reader.readuntil(BODY)
        closed = asyncio.create_task(reader.read())
        await asyncio.wait({closed}, timeout=0.2)
        assert not closed.done()
        writer.transport.abort()
        await asyncio.gather(closed, return_exceptions=True)


async def test_an_idle_connection_is_closed_in_the_end() -> None:
    async with WebStub(idle_s=0.2) as stub:
        assert (await stub.raw(GOOD)).endswith(b"hello")


async def test_a_handler_may_take_longer_than_a_head(hasty: WebStub) -> None:
    reply = asyncio.create_task(
        hasty.raw(b"GET /gate HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n")
    )
    await eventually(lambda: hasty.requests)
    await asyncio.wait({reply}, timeout=0.5)
    assert not reply.done()
    hasty.gate.set()
    assert (await reply).endswith(b"open")


@pytest.mark.parametrize(
    "framing", [LENGTH + b"\r\nhel", CHUNKED + b"\r\n5\r\nhel", CHUNKED + b"\r\n", LENGTH + b"\r\n"]
)
async def test_a_body_that_does_not_come_is_cut_off(framing: bytes) -> None:
    async with WebStub(body_deadline_s=0.3) as stub:
        reply = await stub.raw(HEAD + framing)
    assert reply == b"" or problem(reply) == (400, "bad_request")
    assert stub.requests == 1
    assert stub.bodies == []


async def test_a_body_over_the_limit_is_413(stub: WebStub) -> None:
    head = HEAD + b"Content-Length: 100000\r\n\r\n"
    assert problem(await stub.raw(head + b"x" * 1024)) == (413, "body_too_large")
    chunks = b"400\r\n" + b"x" * 1024 + b"\r\n"
    assert problem(await stub.raw(HEAD + CHUNKED + b"\r\n" + chunks * 2)) == (413, "body_too_large")
    assert stub.bodies == []


async def test_a_post_without_a_length_is_411(stub: WebStub) -> None:
    assert problem(await stub.raw(HEAD + b"Connection: close\r\n\r\n")) == (411, "length_required")


async def test_an_empty_body_is_one(stub: WebStub) -> None:
    reply = await stub.raw(HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert stub.bodies == [b""]


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + LENGTH + CHUNKED + b"\r\n0\r\n\r\n",
        HEAD + CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
        HEAD + LENGTH + b"Content-Length: 6\r\n\r\n" + BODY,
        HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
        HEAD + b"Content-Length: -5\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 5, 5\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Host: y\r\n" + LENGTH + b"\r\n" + BODY,
        b"POST /echo HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello",
        HEAD + LENGTH + b"X: a\n\r\n" + BODY,
        HEAD + LENGTH + b"X : a\r\n\r\n" + BODY,
        HEAD + LENGTH + b": a\r\n\r\n" + BODY,
        HEAD + LENGTH + b"X: a\r\n b\r\n\r\n" + BODY,
        HEAD + LENGTH + b"X: a\rb\r\n\r\n" + BODY,
        HEAD + LENGTH + b"X\0: a\r\n\r\n" + BODY,
        HEAD + CHUNKED + b"\r\nFFFFFFFFFFFFFFFFF\r\n",
        HEAD + CHUNKED + b"\r\n-5\r\nhello\r\n",
        HEAD + CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
        b"GET /echo\r\n\r\n",
        b"POST /echo HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /ec\0ho HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PO ST /echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\0\0\0\0",
        HEAD + LENGTH + b"X: " + b"a" * 10_000 + b"\r\n\r\n" + BODY,
        HEAD + b"".join(b"X%d: a\r\n" % number for number in range(300)) + b"\r\n",
    ],
    ids=lambda value: repr(value[17:80]),
)  # fmt: skip
async def test_what_may_be_read_in_two_ways_is_400_and_closes(
    stub: WebStub, request_bytes: bytes
) -> None:
    reply = await stub.raw(request_bytes + GOOD)
    assert problem(reply[: reply.rindex(b"}") + 1])[0] == 400
    assert reply.count(b"HTTP/1.") == 1
    assert stub.bodies == []


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (404, "not_found")),
        (
            b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            (405, "method_not_allowed"),
        ),
        (b"GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (500, "internal")),
        (b"GET /away HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (503, "store_unavailable")),
    ],
)
async def test_every_error_is_a_problem_document(
    stub: WebStub, request_bytes: bytes, expected: tuple[int, str]
) -> None:
    reply = await stub.raw(request_bytes)
    assert problem(reply) == expected
    assert b"secret" not in reply
    assert b"aiohttp" not in reply
    assert b"Python" not in reply


async def test_errors_carry_their_headers_and_the_request_id(stub: WebStub) -> None:
    end = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: r-1\r\n\r\n"
    assert b"Retry-After: 2\r\n" in await stub.raw(b"GET /away" + end)
    reply = await stub.raw(b"DELETE /echo" + end)
    assert b"Allow: POST\r\n" in reply
    assert b"X-Request-Id: r-1\r\n" in reply


@pytest.mark.parametrize("before", [b"", GOOD + GOOD])
async def test_a_client_that_has_ended_its_side_still_gets_its_replies(
    stub: WebStub, before: bytes
) -> None:
    reader, writer = await stub.connect()
    writer.write(before + GOOD)
    writer.write_eof()
    reply = await asyncio.wait_for(reader.read(), 10)
    assert reply.count(BODY) == reply.count(b"HTTP/1.1 200") == (3 if before else 1)
    assert reply.endswith(BODY)
    writer.close()


async def test_a_client_that_ends_an_idle_connection_is_let_go(stub: WebStub) -> None:
    reader, writer = await stub.connect()
    writer.write(GOOD)
    await reader.readuntil(BODY)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_an_unknown_expectation_is_a_problem_document(stub: WebStub) -> None:
    for path in (b"/echo", b"/nowhere"):
        request = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nExpect: x\r\n"
        reply = await stub.raw(request + LENGTH + b"Connection: close\r\n\r\n" + BODY)
        assert problem(reply) == (417, "expectation_failed")
        assert b"\r\nX-Request-Id: mine\r\n" in reply


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(stub: WebStub) -> None:
    reader, writer = await stub.connect()
    writer.write(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 100 Continue\r\n\r\n"), 10)
    writer.write(BODY)
    await asyncio.wait_for(reader.readuntil(BODY), 10)
    writer.close()


async def test_pipelined_requests_are_answered_in_order(stub: WebStub) -> None:
    requests = [HEAD + b"Content-Length: 4\r\n\r\n%04d" % number for number in range(100)]
    reply = await stub.raw(*requests, LAST)
    expected = [b"%04d" % number for number in range(100)] + [BODY]
    assert stub.bodies == expected
    assert re.findall(rb"\r\n\r\n(\d{4}|hello)", reply) == expected


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0, h2c", b""])
async def test_after_an_upgrade_that_we_refuse_the_connection_ends(
    stub: WebStub, protocol: bytes
) -> None:
    """What follows might be another protocol, or a request: it is not waited for and not run."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    reply = await stub.raw(HEAD + LENGTH + upgrade + b"\r\n" + BODY + GOOD + GOOD)
    assert reply.endswith(b"\r\n\r\nhello")
    assert reply.count(b"HTTP/1.1 200 ") == 1
    assert stub.bodies == [BODY]


async def test_a_flood_of_pipelined_requests_is_held_back(stub: WebStub) -> None:
    """While one request waits, only so many more are read from the socket."""
    _, writer = await stub.connect()
    writer.write(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD * 200_000)
    await eventually(lambda: stub.requests == 1)
    draining = asyncio.create_task(writer.drain())
    await asyncio.wait({draining}, timeout=0.3)
    assert writer.transport.get_write_buffer_size() > 0
    assert stub.requests == 1
    writer.transport.abort()
    await asyncio.gather(draining, return_exceptions=True)


async def test_a_refused_body_is_never_taken_for_a_request(stub: WebStub) -> None:
    hidden = GOOD * 100
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(hidden)
    reply = await stub.raw(head + hidden + LAST)
    assert b" 413 " in reply
    assert stub.bodies in ([], [BODY])


@pytest.mark.parametrize("before", [0, 2])
async def test_a_reply_that_nobody_takes_ends_the_connection(before: int) -> None:
    """Also after replies that were taken, which had the same timer."""
    async with WebStub(write_deadline_s=0.3) as stub:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", stub.port))
        for _ in range(before):
            await loop.sock_sendall(sock, GOOD)
            reply = b""
            while not reply.endswith(BODY):
                reply += await loop.sock_recv(sock, 4096)
        await loop.sock_sendall(sock, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: stub.requests == before + 1)
        assert stub.server.connections == 1
        await eventually(lambda: stub.server.connections == 0)
        sock.close()


async def test_connections_over_the_limit_are_closed_at_once() -> None:
    async with WebStub(max_connections=2) as stub:
        held = [await stub.connect() for _ in range(2)]
        await eventually(lambda: stub.server.connections == 2)
        assert await stub.raw(LAST) == b""
        assert (stub.server.refused_connections, stub.requests) == (1, 0)
        held[0][1].transport.abort()
        await eventually(lambda: stub.server.connections == 1)
        assert (await stub.raw(LAST)).endswith(b"hello")
        held[1][1].transport.abort()


async def test_a_stop_lets_a_request_end_and_takes_no_new_one() -> None:
    stub = WebStub()
    await stub.server.start()
    port = stub.port
    reply = asyncio.create_task(stub.raw(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n"))
    await eventually(lambda: stub.requests == 1)
    stopping = asyncio.create_task(stub.server.stop())
    await eventually(lambda: refused(port))
    stub.gate.set()
    assert b"open" in await reply
    await stopping
    await stub.server.stop()
    assert stub.server.connections == 0


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_taken_port_is_an_error_at_once() -> None:
    async with WebStub() as stub:
        second = HttpServer(new_application(), "127.0.0.1", stub.port)
        with pytest.raises(OSError, match="in use"):
            await second.start()
        await second.stop()


def test_the_c_parser_is_there() -> None:
    require_c_parser()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees that this one does not wait for anything any more."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(("method", "given_up"), [("GET", 1), ("POST", 0)])
async def test_a_read_whose_caller_goes_is_given_up_and_a_post_is_carried_out(
    stub: WebStub, method: str, given_up: int
) -> None:
    _, writer = await stub.connect()
    writer.write(f"{method} /gate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    await eventually(lambda: stub.requests)
    reset(writer)
    await eventually(lambda: stub.server.connections == 0)
    stub.gate.set()
    await eventually(lambda: stub.given_up + stub.passed)
    assert (stub.given_up, stub.passed) == (given_up, 1 - given_up)
