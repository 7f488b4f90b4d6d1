"""Bad input through the gateway and straight at the listeners (T47, T48, T52, T53, T55)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from typing import Any

import pytest

from cluster.cluster import Cluster
from tests.bounds import record
from tests.chunk_parser import ChunkParser
from tests.raw_http import Address, exchange, get, head, post, read_reply
from tests.sse_parser import SseEvent, SseParser
from tests.support import TIMEOUT_FACTOR

HALF_OPEN = 500


def gateway(cluster: Cluster) -> Address:
    return cluster.address("haproxy", "http")


def doors(cluster: Cluster) -> list[Address]:
    """Where a stream can be had: at the gateway and at each node itself."""
    names = [part.name for part in cluster.parts if part.kind == "node"]
    return [gateway(cluster), *(cluster.address(name, "public") for name in names)]


async def watch(door: Address, request: bytes, until: str) -> tuple[bytes, list[SseEvent]]:
    """Open a stream and read until an event called `until`; returns its head and its events, but
    for those that tell how many watch: they come at any time.
    """
    reader, writer = await asyncio.open_connection(*door)
    writer.write(request)
    chunks, parser = ChunkParser(), SseParser()
    events: list[SseEvent] = []
    try:
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            while not any(event.type == until for event in events):
                data = await reader.read(65536)
                assert data, (head, events)
                found = parser.feed(chunks.feed(data))
                events += [event for event in found if event.type != "viewers"]
    finally:
        writer.close()
    return head, events


async def post_ok(cluster: Cluster, video_id: str, text: str) -> dict[str, Any]:
    body = json.dumps({"author": "ann", "text": text}).encode()
    reply = await exchange(gateway(cluster), post(video_id, body))
    assert reply.status == 201, reply
    comment: dict[str, Any] = reply.json()
    return comment


CURSORS = [
    "-1", "0", "1e999", str(2**63), "%00", "x" * 7000, "abcdefghijkl-1", "EPOCH-999999",
    "EPOCH--1", "EPOCH-01", "EPOCH-1,EPOCH-2", "EPOCH- 1", "'; drop table",
]  # fmt: skip


async def test_hostile_cursors_get_hello_and_reset_never_a_fatal_status(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    first = await post_ok(cluster, video_id, "one")
    epoch = first["id"].partition("-")[0]
    for door in doors(cluster):
        for cursor in CURSORS:
            line = "Last-Event-ID: " + cursor.replace("EPOCH", epoch)
            request = get(f"/v1/videos/{video_id}/stream", line)
            head, events = await watch(door, request, "comment")
            assert head.startswith(b"HTTP/1.1 200"), (cursor, head)
            assert [event.type for event in events[:3]] == ["hello", "reset", "comment"], cursor
            assert events[1].last_event_id == f"{epoch}-0"


async def test_an_empty_cursor_counts_as_none(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    await post_ok(cluster, video_id, "one")
    request = get(f"/v1/videos/{video_id}/stream", "Last-Event-ID:")
    _, events = await watch(gateway(cluster), request, "comment")
    assert [event.type for event in events] == ["hello", "comment"]


async def test_the_cursor_of_another_video_is_judged_by_this_one(cluster: Cluster) -> None:
    long_one, short_one = secrets.token_hex(6), secrets.token_hex(6)
    for number in range(3):
        last = await post_ok(cluster, long_one, f"{number}")
    await post_ok(cluster, short_one, "only")
    request = get(f"/v1/videos/{short_one}/stream", f"Last-Event-ID: {last['id']}")
    _, events = await watch(gateway(cluster), request, "comment")
    assert [event.type for event in events] == ["hello", "reset", "comment"]


async def test_the_header_wins_over_the_query(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    ids = [(await post_ok(cluster, video_id, f"{number}"))["id"] for number in range(3)]
    request = get(
        f"/v1/videos/{video_id}/stream?last_event_id={ids[0]}", f"Last-Event-ID: {ids[1]}"
    )
    _, events = await watch(gateway(cluster), request, "comment")
    assert events[0].last_event_id == ids[1]
    assert json.loads(events[1].data)["seq"] == 3
    request = get(f"/v1/videos/{video_id}/stream?last_event_id={ids[0]}")
    _, events = await watch(gateway(cluster), request, "comment")
    assert events[0].last_event_id == ids[0]


GOOD_TEXTS = [
    "a\nb", "a\tb", "x \u2028\u2029 x", "👩\u200d👩\u200d👧 \U0001f1e9", "\u202eRTL\u202c",
    "\u0130\u0131", "line\n\nid: 999\ndata: forged", "<script>&amp;", "e\u0301 is not \u00e9",
    "x" * 500, "👍" * 500,
]  # fmt: skip
BAD_BODIES: list[tuple[bytes, int]] = [
    (b'{"author": "a", "text": "a\\rb"}', 422),
    (b'{"author": "a", "text": "a\\r\\nb"}', 422),
    (b'{"author": "a", "text": "a\\u0000b"}', 422),
    (b'{"author": "a", "text": "\\ud800"}', 422),
    (b'{"author": "a", "text": "  \\u2003 "}', 422),
    (b'{"author": "a", "text": ""}', 422),
    (b'{"author": "", "text": "a"}', 422),
    (b'{"author": "a", "text": "' + b"x" * 501 + b'"}', 422),
    (b'{"author": "' + b"x" * 65 + b'", "text": "a"}', 422),
    (b'{"author": "a", "text": "a\xffb"}', 400),
    (b'{"author": "a", "text": ', 400),
    (b"[" * 7_000 + b"]" * 7_000, 400),
    (b'{"author": "a", "text": "a", "text": "b"}', 422),
    (b'{"author": "a", "text": NaN}', 400),
    (b'{"author": "a", "text": ' + b"9" * 6_000 + b"}", 400),
    (b'{"author": "a", "text": 1}', 422),
    (b'{"author": ["a"], "text": "a"}', 422),
    (b'{"author": "a", "text": "a", "seq": 7}', 422),
    (b'{"author": "a", "text": "a", "id": "x", "created_at": "y"}', 422),
    (b'{"author": "a"}', 422),
    (b"[]", 422),
    (b"null", 422),
    (b'"text"', 422),
    (b"", 400),
    (b"\xef\xbb\xbf{}", 400),
    (b'{"author": "a", "text": "' + b"x" * 17_000 + b'"}', 413),
    (b"x" * 1_048_576, 413),
]


async def test_texts_are_delivered_code_point_for_code_point(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    for text in GOOD_TEXTS:
        await post_ok(cluster, video_id, text)
    for door in doors(cluster):
        request = get(f"/v1/videos/{video_id}/stream?replay=200")
        reader, writer = await asyncio.open_connection(*door)
        writer.write(request)
        parser = SseParser()
        texts: list[str] = []
        async with asyncio.timeout(20):
            await reader.readuntil(b"\r\n\r\n")
            while len(texts) < len(GOOD_TEXTS):
                events = parser.feed(await reader.read(65536))
                texts += [json.loads(e.data)["text"] for e in events if e.type == "comment"]
        writer.close()
        assert texts == GOOD_TEXTS


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
async def test_bad_bodies_get_a_clear_problem(cluster: Cluster, body: bytes, status: int) -> None:
    for door in (gateway(cluster), cluster.address("writer-1", "public")):
        reply = await exchange(door, post("bad-bodies", body))
        assert reply.status == status, (reply, body[:60])
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["status"] == status
        if status == 422:
            assert reply.json()["field"]
    reply = await exchange(gateway(cluster), get("/v1/videos/bad-bodies/comments"))
    assert reply.json()["comments"] == []


@pytest.mark.parametrize(
    "path",
    ["/v1/videos/a%20b/comments", "/v1/videos/%76/comments", "/v1/videos//comments",
     f"/v1/videos/{'x' * 65}/comments", "/v1/videos/a.b/comments", "/v1/videos/v1/comments/",
     "/v1/videos/v1/comments/0", "/v1/videos/v1/comments/x", "/v1/videos/a%20b/stream",
     f"/v1/videos/{'x' * 65}/stream", "/internal/heads", "/metrics", "/state", "/x", "/v2"],
)  # fmt: skip
async def test_what_does_not_exist_is_a_404_problem(cluster: Cluster, path: str) -> None:
    reply = await exchange(gateway(cluster), get(path))
    assert reply.status == 404, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /v1/videos/v1/comments HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/videos/v1/comments HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
        b"Content-Length: 4\r\n\r\nabc",
        b"POST /v1/videos/v1/comments HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET /v1/videos/v1/stream HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n",
        b"GET\r\n\r\n",
    ],
)
async def test_requests_that_could_be_read_in_two_ways_are_refused(
    cluster: Cluster, request_bytes: bytes
) -> None:
    listeners = [gateway(cluster), cluster.address("writer-1", "public"), doors(cluster)[1]]
    for door in listeners:
        try:
            reply = await exchange(door, request_bytes)
        except (EOFError, ConnectionError):
            continue  # closed without a word: refused too
        assert reply.status in (400, 404, 405, 411, 415, 422, 501), (door, reply)


async def test_half_requests_are_closed_and_hold_nobody_up(cluster: Cluster) -> None:
    """T55: no bytes, half a head, half a body, 500 connections at each kind of listener."""
    body = json.dumps({"author": "ann", "text": "meanwhile"}).encode()
    half_post = post("half", b"x" * 100)[:-50]
    halves = [b"", b"GET /v1/videos/v1/stream HTTP/1.1\r\nHost:", half_post]
    listeners = [gateway(cluster), cluster.address("writer-1", "public"), doors(cluster)[1]]
    opened_at = time.monotonic()
    streams = []
    for number in range(HALF_OPEN):
        door = listeners[number % len(listeners)]
        reader, writer = await asyncio.open_connection(*door)
        half = halves[number // len(listeners) % len(halves)]
        writer.write(half if door != listeners[2] or half is not half_post else halves[1])
        streams.append((reader, writer))
    took = []
    for _ in range(20):
        began = time.monotonic()
        reply = await exchange(gateway(cluster), post("meanwhile", body))
        assert reply.status == 201
        took.append(time.monotonic() - began)
    post_s = sorted(took)[10]
    assert post_s < 1.0 * TIMEOUT_FACTOR
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        await asyncio.gather(*(closed(reader) for reader, _ in streams))
    closed_s = time.monotonic() - opened_at
    record(f"T55: X 20 s, closed after {closed_s:.1f} s; a post meanwhile {post_s:.3f} s")
    assert closed_s < 20 * TIMEOUT_FACTOR
    for _, writer in streams:
        writer.close()


async def closed(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        pass


async def test_a_pipelined_second_request_is_answered_in_order(cluster: Cluster) -> None:
    requests = head("GET", "/v1/videos/pipe/comments") * 3
    reader, writer = await asyncio.open_connection(*gateway(cluster))
    writer.write(requests)
    async with asyncio.timeout(20):
        replies = [await read_reply(reader) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    writer.close()
