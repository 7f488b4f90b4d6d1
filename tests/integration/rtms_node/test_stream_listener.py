from __future__ import annotations

import asyncio
import json
import re
import socket

import pytest

from rtms_node import stream_listener
from rtms_node.limits import Limits
from service.edge import PublicEdge
from tests.chunk_parser import ChunkParser
from tests.integration.rtms_node.conftest import Served
from tests.raw_http import head
from tests.sse_parser import SseParser
from tests.support import eventually, started


def get(path: str = "/v1/videos/v1/stream", *lines: str, method: str = "GET") -> bytes:
    return head(method, path, *lines)


async def until(reader: asyncio.StreamReader, mark: bytes) -> bytes:
    async with asyncio.timeout(20):
        return await reader.readuntil(mark)


async def test_a_stream_opens_with_its_headers_a_random_retry_and_hello(served: Served) -> None:
    reader, writer = await served.send(get())
    head = await until(reader, b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n")
    assert b"Cache-Control: no-cache, no-transform\r\n" in head
    assert b"X-Accel-Buffering: no\r\n" in head
    assert b"Access-Control" not in head
    hello = ChunkParser().feed(await until(reader, b"\n\n\r\n"))
    retry = re.fullmatch(rb"retry: (\d+)\nid: \S+\nevent: hello\ndata: {.*}\n\n", hello)
    assert retry is not None, hello
    assert 1000 <= int(retry[1]) <= 3000
    writer.close()


async def test_every_frame_is_a_chunk_of_its_own_and_none_is_the_last(served: Served) -> None:
    """Clients that read by chunks have each frame at once, and know a cut from an end."""
    served.store.post("v1", 3)
    reader, writer = await served.send(get())
    assert b"Transfer-Encoding: chunked\r\n" in await until(reader, b"\r\n\r\n")
    chunks: list[bytes] = []
    while not (chunks and b"comment" in chunks[-1] and b'"seq":3' in chunks[-1]):
        size = int(await until(reader, b"\r\n"), 16)
        chunks.append(await reader.readexactly(size))
        assert await reader.readexactly(2) == b"\r\n"
    frames = [chunk for chunk in chunks if chunk != b": hb\n"]
    assert [frame.endswith(b"\n\n") for frame in frames] == [True] * 4
    served.node.hub.drain_some(1)
    rest = await reader.read()
    assert b"event: bye" in rest
    assert b"\r\n0\r\n" not in rest
    writer.close()


async def test_comments_are_written_as_they_are_forwarded(served: Served) -> None:
    reader, writer = await served.send(get())
    await until(reader, b"event: hello")
    served.node.hub.ingest(served.store.post("v1", 2))
    await until(reader, b"event: comment\ndata: ")
    assert json.loads(await until(reader, b"\n"))["seq"] == 1
    writer.close()
    await eventually(lambda: not served.node.hub.viewers)


async def test_a_head_in_many_small_pieces_is_read(served: Served) -> None:
    reader, writer = await served.send(b"")
    for byte in get():
        writer.write(bytes([byte]))
        await writer.drain()
    assert b"200 OK" in await until(reader, b"event: hello")
    writer.close()


async def test_an_idle_stream_gets_heartbeats(served: Served) -> None:
    reader, writer = await served.send(get())
    await until(reader, b"5\r\n: hb\n\r\n")
    await until(reader, b"5\r\n: hb\n\r\n")
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
        (get("/v1/videos/v1/stream", "Expect: x"), 417, "expectation_failed"),
        (get("/v1/videos/v1/stream", "X: " + "y" * 20_000), 400, "bad_request"),
    ],
)
async def test_anything_else_is_a_problem_document(
    served: Served, request_bytes: bytes, status: int, code: str
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
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_listener, "HEAD_DEADLINE_S", 1.0)
    silent, _ = await served.send(b"")
    half, _ = await served.send(get()[:-2])
    for reader in (silent, half):
        async with asyncio.timeout(20):
            assert await reader.read() == b""
    assert served.listener.unread == 0


async def test_a_request_at_http_1_0_is_served(served: Served) -> None:
    """It knows no chunks."""
    served.store.post("v1", 2)
    reader, writer = await served.send(b"GET /v1/videos/v1/stream HTTP/1.0\r\n\r\n")
    head = await until(reader, b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"Transfer-Encoding" not in head
    served.node.hub.ingest(served.store.post("v1"))
    body = await until(reader, b'"seq":3')
    assert b"\r" not in body
    assert [event.type for event in SseParser().feed(body + await until(reader, b"\n\n"))] == [
        "hello", "comment", "comment", "comment",
    ]  # fmt: skip
    served.node.hub.drain_some(1)
    assert (await reader.read()).endswith(b'event: bye\ndata: {"reason":"drain"}\n\n')
    writer.close()


async def test_a_head_request_is_answered_as_a_stream_without_one(served: Served) -> None:
    reader, writer = await served.send(get(method="HEAD"))
    async with asyncio.timeout(20):
        reply = await reader.read()
    assert reply.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;")
    assert reply.endswith(b"\r\n\r\n")
    assert not served.node.hub.viewers
    writer.close()


async def test_a_refused_head_request_gets_no_body(served: Served) -> None:
    reader, writer = await served.send(get("/nowhere", method="HEAD"))
    async with asyncio.timeout(20):
        reply = await reader.read()
    assert reply.startswith(b"HTTP/1.1 404 ")
    assert reply.endswith(b"\r\n\r\n")
    writer.close()


async def test_empty_lines_before_the_request_are_skipped(served: Served) -> None:
    reader, writer = await served.send(b"\r\n\r\n" + get())
    assert b"200 OK" in await until(reader, b"event: hello")
    writer.close()


@pytest.mark.parametrize("path", ["/v1/videos/v1/stream", "/nowhere"])
async def test_every_reply_has_its_date_and_the_callers_request_id(
    served: Served, path: str
) -> None:
    reader, writer = await served.send(
        get(path, "X-Request-Id: mine-1", "Origin: https://a.example")
    )
    head = await until(reader, b"\r\n\r\n")
    assert re.search(rb"\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n", head)
    assert b"\r\nX-Request-Id: mine-1\r\n" in head
    assert b"\r\nAccess-Control-Allow-Origin: https://a.example\r\n" in head
    writer.close()


async def test_configured_origins_may_read(served: Served) -> None:
    origin = "Origin: https://a.example"
    reader, writer = await served.send(get("/v1/videos/v1/stream", origin))
    head = await until(reader, b"\r\n\r\n")
    assert b"Vary: Origin\r\nAccess-Control-Allow-Origin: https://a.example\r\n" in head
    writer.close()
    reader, writer = await served.send(get("/v1/videos/v1/stream", origin, method="OPTIONS"))
    head = await until(reader, b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\n")
    assert b"Access-Control-Allow-Headers: Last-Event-ID" in head
    writer.close()
    reader, writer = await served.send(get("/v1/videos/v1/stream", "Origin: https://b.example"))
    assert b"Access-Control" not in await until(reader, b"\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("forwarded", "owner"),
    [
        ("10.0.0.1, 10.0.0.2", "10.0.0.2"),
        ("::ffff:10.0.0.2", "10.0.0.2"),
        ("2001:db8::1", "2001:db8::/64"),
    ],
)
async def test_streams_are_counted_for_the_owner_of_the_last_address_forwarded(
    served: Served, forwarded: str, owner: str
) -> None:
    """As posts are: IPv4 written as IPv6 is the same caller, and a /64 is one."""
    reader, writer = await served.send(get("/v1/videos/v1/stream", f"X-Forwarded-For: {forwarded}"))
    await until(reader, b"event: hello")
    assert [viewer.address for viewer in served.node.hub.viewers] == [owner]
    writer.close()


async def test_streams_of_nobodys_gateway_are_counted_for_who_connects() -> None:
    edge = PublicEdge(proxies=())
    async with started(Served(Limits(heartbeat_s=0.2), edge)) as served:
        reader, _ = await served.send(get("/v1/videos/v1/stream", "X-Forwarded-For: 10.0.0.1"))
        await until(reader, b"event: hello")
        assert [viewer.address for viewer in served.node.hub.viewers] == ["127.0.0.1"]
        assert edge.stats.forwarded_ignored == 1


async def watch_unread(served: Served) -> socket.socket:
    """A viewer that takes little before it has read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", served.listener.port))
    await loop.sock_sendall(sock, get())
    return sock


async def test_a_stalled_viewer_is_cut_while_another_goes_on(served: Served) -> None:
    sock = await watch_unread(served)
    reader, writer = await served.send(get("/v1/videos/v1/stream", "X-Forwarded-For: 10.0.0.7"))
    await until(reader, b"event: hello")
    await eventually(lambda: len(served.node.hub.viewers) == 2)
    seen = 0
    while not served.node.hub.paused_viewers:
        served.node.hub.ingest(served.store.post("v1", 100))
        seen += 100
        await until(reader, f"id: {served.store.epoch}-{seen}\n".encode())
    assert served.node.hub.paused_viewers == 1
    for viewer in served.node.hub.viewers:
        if viewer.paused_at:
            viewer.paused_at -= 60
    served.node.upkeep.sweep()
    await eventually(lambda: len(served.node.hub.viewers) == 1)
    served.node.hub.ingest(served.store.post("v1"))
    await until(reader, f"id: {served.store.epoch}-{seen + 1}\n".encode())
    sock.close()
    writer.close()


async def test_a_viewer_that_reads_late_gets_every_comment_once_and_in_order(
    served: Served,
) -> None:
    """Nothing is lost or doubled between what the kernel took of a write and what was kept."""
    loop, sock = asyncio.get_running_loop(), await watch_unread(served)
    await eventually(lambda: served.node.hub.viewers)
    (viewer,) = served.node.hub.viewers
    posted = 0
    received = await loop.sock_recv(sock, 4096)
    while b"event: hello" not in received:
        received += await loop.sock_recv(sock, 4096)
    for _ in range(3):
        while not served.node.hub.paused_viewers:
            served.node.hub.ingest(served.store.post("v1", 70))
            posted += 70
            # Not faster than rounds go out: the ring must still hold what the viewer lacks.
            while viewer.cursor < posted and not viewer.paused_at:
                await asyncio.sleep(0)
        while served.node.hub.paused_viewers:
            received += await loop.sock_recv(sock, 65536)
    last = f"id: {served.store.epoch}-{posted}\n".encode()
    while b"\n\n" not in received.partition(last)[2]:
        received += await loop.sock_recv(sock, 65536)
    received = ChunkParser().feed(received.partition(b"\r\n\r\n")[2])
    ids = re.findall(rb"^id: \w+-(\d+)\nevent: comment\ndata: .*}\n\n", received, re.MULTILINE)
    assert [int(seq) for seq in ids] == list(range(1, posted + 1))
    sock.close()


async def test_a_thousand_viewers_join_while_comments_commit(served: Served) -> None:
    """Whoever joins exactly while a comment commits sees it once: in the replay or live."""
    seen_whole = 0

    async def join(number: int) -> None:
        nonlocal seen_whole
        reader, writer = await served.send(get("/v1/videos/v1/stream?replay=1"))
        if number % 10 == 0:
            served.node.hub.ingest(served.store.post("v1"))
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
            served.node.hub.ingest(served.store.post("v1"))
            await asyncio.sleep(0.005)

    served.store.post("v1")
    poster = asyncio.create_task(post_on())
    for start in range(0, 1000, 100):
        await asyncio.gather(*(join(number) for number in range(start, start + 100)))
    await poster
    assert seen_whole == 1000
