"""Viewers through the gateway that say how late each comment was.

The text of every comment carries the time at which it should have been posted, by a clock that all
processes of one machine share. A viewer looks for that and nothing else: what it costs to read a
stream must not become part of what is measured.
"""

from __future__ import annotations

import array
import re
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any

from bench.child import BenchFailed, Child, Handlers, carry_out_one
from bench.clusters import source_address

_AT_ONCE = 500
_READ_BYTES = 64 * 1024
_WITHIN_S = 30.0
_DUE = re.compile(rb'"text":"due=(\d+)')
_FRAME_END = b"\n\n"


def text_due(due_ns: int) -> str:
    """The text of a comment that should be posted at that moment (CLOCK_MONOTONIC)."""
    return f"due={due_ns} " + "x" * 60


class Crowd:
    """All viewers. Lateness is noted in nanoseconds, for every viewer of every comment."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._rests: dict[socket.socket, bytes] = {}  # of each, what follows its last whole frame
        self._where: dict[socket.socket, tuple[int, str]] = {}  # port and video, oldest first
        self._resumed = 0
        self._late_ns = array.array("q")

    def run(self) -> None:
        """Read, and carry out commands. Raises EOFError when the benchmark has ended."""
        handlers: Handlers = {
            "open": self._open,
            "change": self._change,
            "take": self._take,
            "take_all": self._take_all,
        }
        while True:
            if self._read_some(None):
                carry_out_one(self._pipe, handlers)

    def _open(self, port: int, video_ids: list[str]) -> None:
        """One viewer for each video id; returns when each has its hello."""
        for video_id in video_ids:
            source = (source_address(len(self._rests)), 0)
            sock = socket.create_connection(("127.0.0.1", port), _WITHIN_S, source)
            target = f"/v1/videos/{video_id}/stream?replay=0"
            sock.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            sock.setblocking(False)
            self._rests[sock], self._where[sock] = b"", (port, video_id)
            self._selector.register(sock, selectors.EVENT_READ)
        self._read_until(lambda: self._resumed == len(self._rests), "have no hello")

    def _change(self, count: int) -> None:
        """The oldest `count` viewers leave, as many come to the same videos."""
        for sock in list(self._where)[:count]:
            port, video_id = self._where.pop(sock)
            del self._rests[sock]
            self._resumed -= 1
            self._selector.unregister(sock)
            sock.close()
            self._open(port, [video_id])

    def _take_all(self) -> bytes:
        """The latenesses that are there."""
        taken, self._late_ns = self._late_ns, array.array("q")
        return taken.tobytes()

    def _take(self, count: int) -> bytes:
        """`count` latenesses, as the bytes of an array of 64-bit integers, once they are there."""
        self._read_until(lambda: len(self._late_ns) >= count, "deliveries are missing")
        return self._take_all()

    def _read_until(self, done: Any, what: str) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while not done():
            if time.monotonic() > deadline:
                raise BenchFailed(
                    f"{what}: {self._resumed} resumed, {len(self._late_ns)} deliveries"
                )
            self._read_some(0.1)

    def _read_some(self, timeout_s: float | None) -> bool:
        commanded = False
        for key, _events in self._selector.select(timeout_s):
            if isinstance(key.fileobj, socket.socket):
                self._read(key.fileobj)
            else:
                commanded = True
        return commanded

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(_READ_BYTES)
        now_ns = time.monotonic_ns()
        if not data:
            raise BenchFailed("a stream was closed")
        whole, end, rest = (self._rests[sock] + data).rpartition(_FRAME_END)
        self._rests[sock] = rest
        if not end:
            return
        if b"event: hello" in whole:
            self._resumed += 1
        self._late_ns.extend(now_ns - int(due) for due in _DUE.findall(whole))


def connect(viewers: Child, port: int, video_ids: Sequence[str]) -> None:
    """Open a viewer for each video id, some at a time. Raises BenchFailed if one gets no hello."""
    for start in range(0, len(video_ids), _AT_ONCE):
        viewers.ask("open", port, list(video_ids[start : start + _AT_ONCE]))


def run(pipe: Any) -> None:
    """The process."""
    Crowd(pipe).run()
