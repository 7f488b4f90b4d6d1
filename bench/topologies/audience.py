"""Viewers through the gateway, in a process of their own: they say how late each comment was, and
come back with their cursor when their stream ends, as an EventSource does.

The text of every comment carries the time at which it should have been posted (`bench.crowd`).
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import re
import socket
import struct
import time
from typing import Any, cast

import uvloop

from bench.child import BenchFailed, Handlers, carry_out_all_on_loop
from bench.crowd import text_due

__all__ = ["run", "text_due"]

_WITHIN_S = 40.0
_DUE = re.compile(rb'"text":"due=(\d+)')
_ID = re.compile(rb"(?:^|\n)id: ?(\S+)")
_RETRY = re.compile(rb"(?:^|\n)retry: ?(\d+)")
_FRAME_END = b"\n\n"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class _Viewer(asyncio.Protocol):
    """One viewer over all its connections."""

    def __init__(self, audience: _Audience, video_id: str) -> None:
        self._audience, self._video_id = audience, video_id
        self._cursor = b""
        self._retry_s = 2.0
        self._rest = b""
        self.resumed = False
        self.ended = False  # a stream of it, since that was last asked
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._rest = b""
        cursor = b"Last-Event-ID: %s\r\n" % self._cursor if self._cursor else b""
        target = f"/v1/videos/{self._video_id}/stream?replay=0"
        head = f"GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n".encode()
        self.transport.write(head + cursor + b"\r\n")

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        whole, end, self._rest = (self._rest + data).rpartition(_FRAME_END)
        if not end:
            return
        if not self.resumed and b"event: hello" in whole:
            self.resumed = True
        if ids := _ID.findall(whole):
            self._cursor = ids[-1]
        if retry := _RETRY.search(whole):
            self._retry_s = int(retry[1]) / 1000
        dues = [int(due) for due in _DUE.findall(whole)]
        self._audience.note(now_ns, dues, after_end=self.ended)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if not self._audience.closing:
            self.ended = True
            self._audience.come_back(self, self._retry_s)

    def leave(self) -> None:
        """With a reset: the gateway sees it at its next write, not only at the one after."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()


class _Audience:
    """Handlers of the process."""

    def __init__(self) -> None:
        self.late_ns = array.array("q")
        self._after_end = array.array("q")  # when due, how late, and so on
        self.closing = False
        self._port = 0
        self._viewers: list[_Viewer] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def handlers(self) -> Handlers:
        """What the process can be told."""
        return {
            "open": self.open,
            "take": self.take,
            "waiting": self.waiting,
            "forget_ends": self.forget_ends,
            "take_after_ends": self.take_after_ends,
            "close": self.close,
        }

    async def open(self, port: int, video_ids: list[str]) -> None:
        """One viewer for each video id, one after another; returns when each has its hello."""
        self._port, self.closing = port, False
        for video_id in video_ids:
            viewer = _Viewer(self, video_id)
            self._viewers.append(viewer)
            await self._connect(viewer, 0.0)
        await self._until(lambda: all(viewer.resumed for viewer in self._viewers), "no hello")

    async def take(self, count: int) -> bytes:
        """The latenesses of `count` deliveries, in nanoseconds as an array of 64-bit integers."""
        await self._until(lambda: len(self.late_ns) >= count, f"of {count} deliveries")
        taken, self.late_ns = self.late_ns, array.array("q")
        return taken.tobytes()

    def note(self, now_ns: int, dues: list[int], *, after_end: bool) -> None:
        """A viewer got comments that were due then; `after_end`: a stream of it has ended."""
        self.late_ns.extend(now_ns - due for due in dues)
        if after_end:
            self._after_end.extend(value for due in dues for value in (due, now_ns - due))

    def forget_ends(self) -> None:
        """All streams count as whole again."""
        self._after_end = array.array("q")
        for viewer in self._viewers:
            viewer.ended = False

    def take_after_ends(self) -> tuple[int, bytes]:
        """How many viewers' streams have ended, and what these viewers got after that: two 64-bit
        integers for each delivery, when it was due and how late it was, in nanoseconds.
        """
        ended = sum(viewer.ended for viewer in self._viewers)
        after_end = self._after_end.tobytes()
        self.forget_ends()
        return ended, after_end

    def waiting(self) -> int:
        """Deliveries that were not taken yet."""
        return len(self.late_ns)

    async def close(self) -> None:
        """All viewers leave."""
        self.closing = True
        for task in self._tasks:
            task.cancel()
        for viewer in self._viewers:
            viewer.leave()
        await asyncio.sleep(0)
        self._viewers.clear()
        self.late_ns = array.array("q")

    def come_back(self, viewer: _Viewer, after_s: float) -> None:
        """A stream has ended."""
        task = asyncio.ensure_future(self._connect(viewer, after_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, viewer: _Viewer, after_s: float) -> None:
        await asyncio.sleep(after_s)
        loop = asyncio.get_running_loop()
        while not self.closing:
            with contextlib.suppress(OSError):
                await loop.create_connection(lambda: viewer, "127.0.0.1", self._port)
                return
            await asyncio.sleep(0.5)

    async def _until(self, done: Any, what: str) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not done():
            if time.monotonic() > deadline:
                resumed = sum(viewer.resumed for viewer in self._viewers)
                found = f"{resumed} resumed, {len(self.late_ns)} deliveries"
                raise BenchFailed(f"{what}: {found}")
            await asyncio.sleep(0.02)


def run(pipe: Any) -> None:
    """The process."""
    uvloop.run(carry_out_all_on_loop(pipe, _Audience().handlers()))
