from __future__ import annotations

import asyncio
import json
import re
import socket
from typing import Any

import pytest

from rtms_node import stream_listener
from tests.support import eventually


def get(path: str = "/v1/videos/v1/stream", *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *lines, "", ""]).encode()


async def until(reader: asyncio.StreamReader, mark: bytes) -> bytes:
    async with asyncio.timeout(20):
        return await reader.readuntil(mark)


async def test_a_stream_opens_with_its_headers_a_random_retry_and_hello(served: Any) -> None:
    reader, writer = await served.send(get())
    head = await until(reader, b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    assert b"Cache-Control: no-cache, no-transform\r\n" in head
    assert b"X-Accel-Buffering: no\r\n" in head
    assert b"Transfer-Encoding" not in head
    assert b"Access-Control" not in head
    retry = await until(reader, b"\n\n")
    assert retry.startswith(b"retry: ")
    assert 1000 <= int(retry[7:]) <= 3000
    assert b"event: hello\n" in await until(reader, b"\n\n")
    writer.close()


async def test_comments_are_written_as_they_are_forwarded(served: Any) -> None:
    reader, writer = await served.send(get())
    await until(reader, b"event: hello")
    served.core.hub.ingest(served.store.post("v1", 2))
    await until(reader, b"event: comment\ndata: ")
    assert json.loads(await until(reader, b"\n"))["seq"] == 1
    writer.close()
    await eventually(lambda: not served.core.hub.viewers)


async def test_a_head_in_many_small_pieces_is_read(served: Any) -> None:
    reader, writer = await served.send(b"")
    for byte in get():
        writer.write(bytes([byte]))
        await writer.drain()
    assert b"200 OK" in await until(reader, b"event: hello")
    writer.close()


async def test_an_idle_stream_gets_heartbeats(served: Any) -> None:
    reader, writer = await served.send(get())
    await until(reader, b": hb\n\n")
    await until(reader, b": hb\n\n")
    writer.close()


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (get("/v1/videos/a%20b/stream"), 404, "not_found"),
        (get("/"), 404, "not_found"),
        (get(method="POST"), 405, "method_not_allowed"),
        (get("/v1/videos/v1/stream", "Content-Length: 3") + b"abc", 400, "bad_request"),
        (get() + get(), 400, "bad_request"),
        (b"rubbish\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
        (b"GET /v1/videos/v1/stream HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (get("/v1/videos/v1/stream", "Host: again"), 400, "bad_request"),
        (get("/v1/videos/v1/stream", "X: " + "y" * 20_000), 400, "bad_request"),
    ],
)
async def test_anything_else_is_a_problem_document(
    served: Any, request_bytes: bytes, status: int, code: str
) -> None:
    reader, writer = await served.send(request_bytes)
    async with asyncio.timeout(20):
        reply = await reader.read()
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["code"] == code
    writer.close()
    await eventually(lambda: served.listener.unread == 0)


async def test_half_a_request_is_ended_at_the_deadline(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_listener, "HEAD_DEADLINE_S", 0.1)
    silent, _ = await served.send(b"")
    half, _ = await served.send(get()[:-2])
    for reader in (silent, half):
        async with asyncio.timeout(20):
            assert await reader.read() == b""
    assert served.listener.unread == 0


async def test_a_request_at_http_1_0_is_served(served: Any) -> None:
    reader, writer = await served.send(b"GET /v1/videos/v1/stream HTTP/1.0\r\n\r\n")
    assert b"200 OK" in await until(reader, b"event: hello")
    writer.close()


async def test_configured_origins_may_read(served: Any) -> None:
    origin = "Origin: https://a.example"
    reader, writer = await served.send(get("/v1/videos/v1/stream", origin))
    head = await until(reader, b"\r\n\r\n")
    assert b"Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n" in head
    writer.close()
    reader, writer = await served.send(get("/v1/videos/v1/stream", origin, method="OPTIONS"))
    head = await until(reader, b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\nAllow: GET, OPTIONS\r\n")
    assert b"Access-Control-Allow-Headers: Last-Event-ID" in head
    writer.close()
    reader, writer = await served.send(get("/v1/videos/v1/stream", "Origin: https://b.example"))
    assert b"Access-Control" not in await until(reader, b"\r\n\r\n")
    writer.close()


async def test_a_stalled_viewer_is_cut_while_another_goes_on(served: Any) -> None:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", served.listener.port))
    await loop.sock_sendall(sock, get())
    reader, writer = await served.send(get("/v1/videos/v1/stream", "X-Forwarded-For: 10.0.0.7"))
    await until(reader, b"event: hello")
    await eventually(lambda: len(served.core.hub.viewers) == 2)
    seen = 0
    while not served.core.hub.paused_viewers:
        served.core.hub.ingest(served.store.post("v1", 100))
        seen += 100
        await until(reader, f"id: {served.store.epoch}-{seen}\n".encode())
    assert served.core.hub.paused_viewers == 1
    for viewer in served.core.hub.viewers:
        if viewer.paused_at:
            viewer.paused_at -= 60
    served.core.hub.sweep()
    await eventually(lambda: len(served.core.hub.viewers) == 1)
    served.core.hub.ingest(served.store.post("v1"))
    await until(reader, f"id: {served.store.epoch}-{seen + 1}\n".encode())
    sock.close()
    writer.close()


async def test_a_viewer_that_reads_late_gets_every_comment_once_and_in_order(served: Any) -> None:
    """What the kernel took of a write and what the transport kept join without a seam."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", served.listener.port))
    await loop.sock_sendall(sock, get())
    await eventually(lambda: served.core.hub.rooms.get("v1"))
    posted = 0
    received = await loop.sock_recv(sock, 4096)
    while b"event: hello" not in received:
        received += await loop.sock_recv(sock, 4096)
    for _ in range(3):
        while not served.core.hub.paused_viewers:
            served.core.hub.ingest(served.store.post("v1", 70))
            posted += 70
            await asyncio.sleep(0)
        while served.core.hub.paused_viewers:
            received += await loop.sock_recv(sock, 65536)
    last = f"id: {served.store.epoch}-{posted}\n".encode()
    while b"\n\n" not in received.partition(last)[2]:
        received += await loop.sock_recv(sock, 65536)
    ids = re.findall(rb"^id: \w+-(\d+)\nevent: comment\ndata: .*}\n\n", received, re.MULTILINE)
    assert [int(seq) for seq in ids] == list(range(1, posted + 1))
    sock.close()


async def test_a_thousand_viewers_join_while_comments_commit(served: Any) -> None:
    """Whoever joins exactly while a comment commits sees it once: in the replay or live."""
    seen_whole = 0

    async def join(number: int) -> None:
        nonlocal seen_whole
        reader, writer = await served.send(get("/v1/videos/v1/stream?replay=1"))
        if number % 10 == 0:
            served.core.hub.ingest(served.store.post("v1"))
        await until(reader, b"event: hello\ndata: ")
        hello = json.loads(await until(reader, b"\n"))
        last = int(hello["head"].partition("-")[2])
        for expected in range(max(last, 1), last + 3):
            await until(reader, b"event: comment\ndata: ")
            assert json.loads(await until(reader, b"\n"))["seq"] == expected
        seen_whole += 1
        writer.close()

    async def post_on() -> None:
        while seen_whole < 1000:
            await asyncio.sleep(0)
            served.core.hub.ingest(served.store.post("v1"))
            await asyncio.sleep(0.005)

    served.store.post("v1")
    poster = asyncio.create_task(post_on())
    for start in range(0, 1000, 100):
        await asyncio.gather(*(join(number) for number in range(start, start + 100)))
    await poster
    assert seen_whole == 1000
