"""HTTP by hand: what no client library would send, and what really came back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass, replace
from typing import Any

Address = tuple[str, int]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; header names in lower case. `body` is what came until the end or the length,
    undecoded.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def parse_head(raw: bytes) -> tuple[str, dict[str, str]]:
    """The first line of a request or a reply, and its headers."""
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def read_head(reader: asyncio.StreamReader) -> Reply:
    """The next reply, whose body is still to be read. Raises EOFError if there is none."""
    first, headers = parse_head(await reader.readuntil(b"\r\n\r\n"))
    return Reply(int(first.split(" ", 2)[1]), headers)


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """The next reply with its body, which has a length or is none of ours (a stream's)."""
    reply = await read_head(reader)
    length = int(reply.headers.get("content-length", 0))
    return replace(reply, body=await reader.readexactly(length))


async def exchange(door: Address, request: bytes, *, timeout_s: float = 20) -> Reply:
    """Send bytes, read one response. Raises EOFError if the connection ends without one."""
    reader, writer = await asyncio.open_connection(*door)
    try:
        writer.write(request)
        async with asyncio.timeout(timeout_s):
            return await read_reply(reader)
    finally:
        writer.close()


async def exchange_cut(door: Address, request: bytes, *, timeout_s: float = 20) -> Reply:
    """As `exchange`, of a reply whose body must end before the length that it announces."""
    reader, writer = await asyncio.open_connection(*door)
    try:
        writer.write(request)
        async with asyncio.timeout(timeout_s):
            reply = await read_head(reader)
            body = await reader.read()
    finally:
        writer.close()
    assert len(body) < int(reply.headers["content-length"])
    return replace(reply, body=body)


async def speak(connection: Connection, *pieces: bytes, timeout_s: float = 20) -> bytes:
    """Send bytes; all that comes back until the other side closes or resets. TimeoutError if it
    never does.
    """
    reader, writer = connection
    received = bytearray()
    try:
        for piece in pieces:
            writer.write(piece)
        async with asyncio.timeout(timeout_s):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while chunk := await reader.read(65536):
                    received += chunk
    finally:
        writer.transport.abort()
    return bytes(received)


def head(method: str, path: str, *lines: str) -> bytes:
    """The head of a request on a connection that may go on."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *lines, "", ""]).encode("latin-1")


def comment_post(video_id: str, body: bytes, *lines: str) -> bytes:
    """A POST of a comment on a connection that may go on."""
    described = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    return head("POST", f"/v1/videos/{video_id}/comments", *described, *lines) + body


def post(video_id: str, body: bytes, *lines: str) -> bytes:
    """A POST of a comment with Connection: close."""
    return comment_post(video_id, body, "Connection: close", *lines)


def get(path: str, *lines: str) -> bytes:
    """A GET with Connection: close."""
    return head("GET", path, "Connection: close", *lines)
