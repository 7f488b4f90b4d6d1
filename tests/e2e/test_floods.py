"""T54, T56 at the gateway and straight at what stands behind it: requests that can be read in two
ways, and requests that are far too many or too long.
"""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.figures import grown_mib, resident_bytes
from tests.e2e.doors import Door, find_door
from tests.raw_http import exchange, get, post
from tests.support import TIMEOUT_FACTOR

RUNTIMES = ("local",)  # whose memory can be read
DOORS = ("gateway-http", "writer-public", "node-public")
PIPELINED, CHUNKS, HEADERS = 10_000, 1_000_000, 5_000
MEMORY_MIB = 32
BODY = b'{"author":"a","text":"x"}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ONE_CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def head(video_id: str, *lines: bytes) -> bytes:
    first = f"POST /v1/videos/{video_id}/comments HTTP/1.1\r\nHost: x\r\n".encode()
    return first + b"Content-Type: application/json\r\n" + b"".join(lines) + b"\r\n"


AMBIGUOUS = {
    "length and chunks": head("v", LENGTH, CHUNKED) + b"0\r\n\r\n",
    "chunks and length": head("v", CHUNKED, LENGTH) + b"0\r\n\r\n",
    "two lengths": head("v", LENGTH, b"Content-Length: 0\r\n") + BODY,
    "a sign": head("v", b"Content-Length: +25\r\n") + BODY,
    "xchunked": head("v", b"Transfer-Encoding: xchunked\r\n") + BODY,
    "chunked and more": head("v", b"Transfer-Encoding: chunked, identity\r\n") + b"0\r\n\r\n",
    "a space before the colon": head("v", b"Transfer-Encoding : chunked\r\n", LENGTH) + BODY,
    "bare LF": (head("v", LENGTH)).replace(b"\r\n", b"\n") + BODY,
    "a folded line": head("v", LENGTH, b"X: a\r\n folded\r\n") + BODY,
    "two hosts": head("v", b"Host: y\r\n", LENGTH) + BODY,
    "a long extension": head("v", CHUNKED) + b"0;" + b"e" * 1_000_000 + b"\r\n\r\n",
    "a chunk ended by LF": head("v", CHUNKED) + ONE_CHUNK.replace(b"\r\n", b"\n") + b"0\r\n\r\n",
    "a negative chunk": head("v", CHUNKED) + b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
    "HTTP/0.9": b"GET /v1/videos/v/comments\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_nobody_is_confused_by_what_can_be_read_in_two_ways(
    cluster: Cluster, request_bytes: bytes
) -> None:
    """What hides behind it is either not carried out, or is a request of its own whose answer comes
    on this connection; and the gateway's next requests to the same writer get their own answers.
    """
    for name in DOORS:
        door, hidden = find_door(cluster, name), secrets.token_hex(6)
        smuggled = head(hidden, LENGTH) + BODY
        last = get("/v1/videos/v/comments?limit=1")
        reply = await door.speak(request_bytes + smuggled + last)
        answered = reply.count(f"Location: /v1/videos/{hidden}/comments/".encode())
        answered += reply.count(f"location: /v1/videos/{hidden}/comments/".encode())
        assert await count_stored(cluster, hidden) == answered, (name, reply)
        await others_are_answered(cluster)


async def count_stored(cluster: Cluster, video_id: str) -> int:
    reply = await exchange(
        cluster.address("haproxy", "http"), get(f"/v1/videos/{video_id}/comments")
    )
    return len(reply.json()["comments"])


async def others_are_answered(cluster: Cluster) -> None:
    """Each with what it asked for."""
    for _ in range(4):
        text = secrets.token_hex(6)
        body = json.dumps({"author": "a", "text": text}).encode()
        reply = await exchange(cluster.address("haproxy", "http"), post("v", body))
        assert (reply.status, reply.json()["text"]) == (201, text)


def memory(cluster: Cluster) -> dict[str, int]:
    kinds = (Kind.HAPROXY, Kind.WRITER, Kind.NODE)
    return {
        part.name: resident_bytes(cluster, part.name)
        for part in cluster.parts
        if part.kind in kinds
    }


async def flood(cluster: Cluster, door: Door, request: bytes) -> bytes:
    """Send it all while others call; what came until the connection ended."""
    before = memory(cluster)
    speaking = asyncio.create_task(door.speak(request, timeout_s=200.0))
    while not speaking.done():
        await others_are_answered(cluster)
    grown = grown_mib(before, memory(cluster))
    record(f"T56 {len(request)} bytes: X +{MEMORY_MIB} MiB, +{grown:.1f} MiB at the worst process")
    assert grown < MEMORY_MIB
    return await speaking


@pytest.mark.timeout(240 * TIMEOUT_FACTOR)
@pytest.mark.parametrize("name", DOORS)
async def test_ten_thousand_pipelined_requests_cost_no_memory(cluster: Cluster, name: str) -> None:
    """They are answered one after the other; for a stream, more than one request is refused."""
    path = "/v1/videos/v/stream" if name == "node-public" else "/v1/videos/none/comments"
    one = get(path).replace(b"Connection: close\r\n", b"")
    reply = await flood(cluster, find_door(cluster, name), one * (PIPELINED - 1) + get(path))
    if name == "node-public":
        assert reply[9:12] in (b"", b"400")
    else:
        assert reply.count(b"HTTP/1.1 200 ") == reply.count(b"HTTP/1.1 ") == PIPELINED


@pytest.mark.timeout(240 * TIMEOUT_FACTOR)
@pytest.mark.parametrize("name", DOORS)
async def test_a_million_chunks_of_a_byte_are_refused(cluster: Cluster, name: str) -> None:
    """After the 16 KiB that a body may have, and the connection ends."""
    reply = await flood(
        cluster, find_door(cluster, name), head("v", CHUNKED) + b"1\r\nx\r\n" * CHUNKS
    )
    assert reply[9:12] in (b"", b"413", b"400", b"405")  # a reset may overtake what was said


@pytest.mark.parametrize("name", DOORS)
async def test_five_thousand_headers_are_refused(cluster: Cluster, name: str) -> None:
    lines = b"".join(b"X%d: a\r\n" % number for number in range(HEADERS))
    path = "/v1/videos/v/stream" if name == "node-public" else "/v1/videos/v/comments"
    request = get(path).replace(b"\r\n\r\n", b"\r\n" + lines + b"\r\n")
    reply = await flood(cluster, find_door(cluster, name), request)
    assert reply[9:12] in (b"", b"400")
