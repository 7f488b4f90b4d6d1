"""HTTP by hand: what no client library would send, and what really came back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; `body` is what came until the end or the length, undecoded."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


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
            reply = await _read_head(reader)
            body = await reader.read()
    finally:
        writer.close()
    assert len(body) < int(reply.headers["content-length"])
    return replace(reply, body=body)


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    reply = await _read_head(reader)
    length = int(reply.headers.get("content-length", 0))
    return replace(reply, body=await reader.readexactly(length))


async def _read_head(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return Reply(int(first.split(" ", 2)[1]), headers, b"")


def post(video_id: str, body: bytes, *lines: str) -> bytes:
    """A POST of a comment with Connection: close."""
    head = [
        f"POST /v1/videos/{video_id}/comments HTTP/1.1", "Host: h", "Connection: close",
        "Content-Type: application/json", f"Content-Length: {len(body)}", *lines, "", "",
    ]  # fmt: skip
    return "\r\n".join(head).encode("latin-1") + body


def get(path: str, *lines: str) -> bytes:
    """A GET with Connection: close."""
    head = [f"GET {path} HTTP/1.1", "Host: h", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")
