"""Requests that no client of ours sends: smuggling (T54), dripping (T55), floods (T56)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.public_api import PublicApi
from tests.support import started

BODY = b'{"author":"a","text":"x"}'
HEAD = b"POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
# What a smuggler wants to be taken for a second request.
HIDDEN = b"POST /v1/videos/smuggled/comments HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n" + BODY


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[PublicApi]:
    """A listener whose deadline for a head is short."""
    async with started(PublicApi(tmp_path / "comments.db", head_deadline_s=2.0)) as api:
        yield api


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n" + HIDDEN,
        HEAD + LENGTH + b"Content-Length: 0\r\n\r\n" + BODY + HIDDEN,
        HEAD + LENGTH + LENGTH + b"\r\n" + BODY + HIDDEN,
        HEAD + b"Content-Length: +25\r\n\r\n" + BODY + HIDDEN,
        HEAD + b"Content-Length: 0x19\r\n\r\n" + BODY + HIDDEN,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + BODY + HIDDEN,
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
        HEAD + b"Transfer-Encoding : chunked\r\n" + LENGTH + b"\r\n" + BODY + HIDDEN,
        HEAD + b"Host: y\r\n" + LENGTH + b"\r\n" + BODY + HIDDEN,
        HEAD + LENGTH + b"X: a\r\n folded\r\n\r\n" + BODY + HIDDEN,
        HEAD + LENGTH + b"X: a\0b\r\n\r\n" + BODY + HIDDEN,
        HEAD + LENGTH + b"X: " + b"a" * 9_000 + b"\r\n\r\n" + BODY + HIDDEN,
        HEAD + LENGTH + b"".join(b"X%d: a\r\n" % n for n in range(5_000)) + b"\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + HIDDEN,
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
        b"GET /v1/videos/v/comments\r\n\r\n" + HIDDEN,
        b"GET /v1/videos/v/comments HTTP/3.7\r\nHost: x\r\n\r\n" + HIDDEN,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + HIDDEN,
    ],
    ids=lambda value: repr(value[90:130]),
)
async def test_an_ambiguous_request_is_400_and_the_end_of_its_connection(
    api: PublicApi, request_bytes: bytes
) -> None:
    reply = await api.raw(request_bytes)
    assert re.match(rb"HTTP/1\.[01] 400 ", reply), reply[:200]  # 1.0 when nothing was understood
    assert b"application/problem+json" in reply
    assert len(re.findall(rb"HTTP/1\.[01] ", reply)) == 1
    assert b"aiohttp" not in reply
    assert await api.store.heads(["smuggled"]) == {"smuggled": 0}


@pytest.mark.parametrize("extension", [b"", b";" + b"e" * 100_000])
async def test_chunks_are_read_or_refused_and_never_confused(
    api: PublicApi, extension: bytes
) -> None:
    """One byte a chunk; with a long extension it may be refused, but nothing else may happen."""
    one_by_one = b"".join(b"1%s\r\n%c\r\n" % (extension[:20], byte) for byte in BODY)
    last = b"0" + extension + b"\r\n\r\n"
    request = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + one_by_one + last
    reply = await api.raw(request)
    assert reply[9:12] in (b"201", b"400")
    assert reply.count(b"HTTP/1.1 ") == 1


async def test_a_refused_body_is_not_taken_for_the_next_request(api: PublicApi) -> None:
    """413 is told from the head; the body that follows looks like a request."""
    body = (HIDDEN * 300)[:20_000]
    reply = await api.raw(HEAD + b"Content-Length: 20000\r\nConnection: close\r\n\r\n" + body)
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert reply.count(b"HTTP/1.1 ") == 1
    assert await api.store.heads(["smuggled"]) == {"smuggled": 0}


async def test_pipelined_posts_are_answered_in_order(api: PublicApi) -> None:
    one = HEAD + LENGTH + b"\r\n" + BODY
    last = HEAD + b"Connection: close\r\n" + LENGTH + b"\r\n" + BODY
    reply = await api.raw(one * 99 + last)
    assert reply.count(b"HTTP/1.1 201 ") == 100
    locations = [line for line in reply.split(b"\r\n") if line.startswith(b"Location")]
    assert [int(line.rpartition(b"/")[2]) for line in locations] == list(range(1, 101))


async def closes_after(api: PublicApi, *parts: bytes, every_s: float = 0.05) -> float:
    """Seconds until the server closes while the parts drip in, the last one again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    begun = time.monotonic()
    drip = asyncio.ensure_future(_drip(writer, parts, every_s))
    try:
        await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        pass
    finally:
        drip.cancel()
        await asyncio.gather(drip, return_exceptions=True)
        writer.close()
    return time.monotonic() - begun


async def _drip(writer: asyncio.StreamWriter, parts: tuple[bytes, ...], every_s: float) -> None:
    for part in parts:
        writer.write(part)
        await asyncio.sleep(every_s)
    while parts:
        writer.write(parts[-1])
        await asyncio.sleep(every_s)


@pytest.mark.parametrize("parts", [(), (b"POST ", b"/"), (HEAD, b"X: a\r\n")])
async def test_a_head_that_does_not_come_is_cut_off(
    strict: PublicApi, parts: tuple[bytes, ...]
) -> None:
    assert 1.0 < await closes_after(strict, *parts) < 20


async def test_many_drippers_do_not_delay_others(strict: PublicApi) -> None:
    drippers = [asyncio.ensure_future(closes_after(strict, HEAD, b"X: a\r\n")) for _ in range(100)]
    reply = await strict.raw(HEAD + b"Connection: close\r\n" + LENGTH + b"\r\n" + BODY)
    assert reply.startswith(b"HTTP/1.1 201 ")
    assert max(await asyncio.gather(*drippers)) < 20


async def test_a_body_that_does_not_come_is_cut_off(
    api: PublicApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.public_routes.BODY_DEADLINE_S", 0.2)
    head = HEAD + b"Content-Length: 10000\r\n\r\n"
    assert 0.1 < await closes_after(api, head, b" ") < 10
    assert await api.store.heads(["v"]) == {"v": 0}
