"""Thousands of viewers that behave as a browser's EventSource does: each keeps its cursor, waits
for the `retry` that it was told when its stream ends, and comes back with `Last-Event-ID`.

A viewer is whole when it has everything up to the head that its `hello` named. What it sees is
checked: numbers must follow one another, else the benchmark fails.
"""

from __future__ import annotations

import errno
import heapq
import re
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Any

from bench.child import BenchFailed, Handlers, carry_out_one
from bench.clusters import source_address
from bench.sink import address

_READ_BYTES = 256 * 1024
_WITHIN_S = 60.0
_FRAME_END = b"\n\n"
_ID = re.compile(rb"(?:^|\n)id: ([a-z0-9]+-(\d+))")
_HEAD = re.compile(rb'"head":"[a-z0-9]+-(\d+)"')
_RETRY = re.compile(rb"(?:^|\n)retry: (\d+)")
_FIRST_RETRY_S = 3.0
_STARTED_AT_ONCE = 200  # connections in one turn: replies must be read between them


@dataclass(slots=True)
class _Viewer:
    """`ports` are tried in turn. `whole_at`: 0 while it lacks something."""

    number: int
    video_id: str
    ports: list[int]
    sock: socket.socket | None = None
    rest: bytes = b""
    asked: bool = False
    cursor: bytes = b""
    seq: int = -1
    head: int = -1
    retry_s: float = _FIRST_RETRY_S
    whole_at: float = 0.0
    returns: int = 0


class EventSources:
    """Handlers of the process."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._viewers: list[_Viewer] = []
        self._waiting: list[tuple[float, int]] = []  # when to connect, whom
        self._gaps = 0

    def run(self) -> None:
        """Read, reconnect, and carry out commands. Raises EOFError when the benchmark has ended."""
        handlers: Handlers = {
            "open": self._open,
            "wait_whole": self._wait_whole,
            "whole_since": self._whole_since,
        }
        while True:
            if self._turn():
                carry_out_one(self._pipe, handlers)

    def _open(self, ports: list[int], video_ids: list[str]) -> None:
        """One viewer for each video id, over all ports in turn; returns when each is whole."""
        for video_id in video_ids:
            number = len(self._viewers)
            turn = number % len(ports)
            self._viewers.append(_Viewer(number, video_id, ports[turn:] + ports[:turn]))
            heapq.heappush(self._waiting, (0.0, number))
        self._wait_whole()

    def _wait_whole(self) -> float:
        """The monotonic time at which the last one became whole. Raises BenchFailed."""
        deadline = time.monotonic() + _WITHIN_S
        while missing := sum(not viewer.whole_at for viewer in self._viewers):
            if time.monotonic() > deadline:
                raise BenchFailed(f"{missing} of {len(self._viewers)} viewers are not whole")
            for _ in range(20):  # looking at all of them costs more than a turn
                self._turn()
        return max(viewer.whole_at for viewer in self._viewers)

    def _whole_since(self, at: float) -> tuple[list[float], int]:
        """When those that came back after `at` were whole again, in seconds from then; and how many
        gaps there have been.
        """
        times = [v.whole_at - at for v in self._viewers if v.returns and v.whole_at > at]
        return sorted(times), self._gaps

    def _turn(self) -> bool:
        """Some reads and connections; whether a command waits."""
        commanded = False
        for key, _events in self._selector.select(self._idle_s()):
            if key.data is None:
                commanded = True
            else:
                self._ready(key.data)
        now = time.monotonic()
        for _ in range(_STARTED_AT_ONCE):
            if not self._waiting or self._waiting[0][0] > now:
                break
            self._connect(self._viewers[heapq.heappop(self._waiting)[1]])
        return commanded

    def _idle_s(self) -> float:
        if not self._waiting:
            return 0.5
        return min(max(self._waiting[0][0] - time.monotonic(), 0.0), 0.5)

    def _connect(self, viewer: _Viewer) -> None:
        viewer.sock = sock = socket.socket()
        sock.setblocking(False)
        # Many may share a source port, as the destination differs: else 28,000 are all there are.
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source_address(viewer.number), 0))
        viewer.rest, viewer.asked = b"", False
        failed = sock.connect_ex(("127.0.0.1", viewer.ports[0]))
        self._selector.register(sock, selectors.EVENT_WRITE, viewer)
        if failed not in (0, errno.EINPROGRESS):
            self._lose(viewer)

    def _ready(self, viewer: _Viewer) -> None:
        assert viewer.sock is not None
        try:
            if not viewer.asked:
                viewer.sock.sendall(_request(viewer))
                viewer.asked = True
                self._selector.modify(viewer.sock, selectors.EVENT_READ, viewer)
                return
            data = viewer.sock.recv(_READ_BYTES)
        except OSError:
            data = b""
        if data:
            self._take(viewer, data)
        else:
            self._lose(viewer)

    def _lose(self, viewer: _Viewer) -> None:
        """Wait as long as the stream said, then try the next port."""
        assert viewer.sock is not None
        self._selector.unregister(viewer.sock)
        viewer.sock.close()
        viewer.sock, viewer.whole_at, viewer.head = None, 0.0, -1
        viewer.returns += 1
        viewer.ports.append(viewer.ports.pop(0))
        heapq.heappush(self._waiting, (time.monotonic() + viewer.retry_s, viewer.number))

    def _take(self, viewer: _Viewer, data: bytes) -> None:
        whole, end, viewer.rest = (viewer.rest + data).rpartition(_FRAME_END)
        if not end:
            return
        for frame in whole.split(_FRAME_END):
            retry = _RETRY.search(frame)
            if retry:
                viewer.retry_s = int(retry[1]) / 1e3
            self._take_frame(viewer, frame)
        if not viewer.whole_at and 0 <= viewer.head <= viewer.seq:
            viewer.whole_at = time.monotonic()

    def _take_frame(self, viewer: _Viewer, frame: bytes) -> None:
        event_id = _ID.search(frame)
        if b"event: hello" in frame:
            head = _HEAD.search(frame)
            viewer.head = int(head[1]) if head else -1
        elif b"event: gap" in frame:
            self._gaps += 1
        elif b"event: reset" in frame:
            raise BenchFailed("a reset, and nothing was reset")
        if event_id is None:
            return
        seq = int(event_id[2])
        if b"event: comment" in frame and seq != viewer.seq + 1:
            raise BenchFailed(f"{viewer.video_id}: {seq} came after {viewer.seq}")
        viewer.cursor, viewer.seq = event_id[1], seq


def _request(viewer: _Viewer) -> bytes:
    cursor = b"Last-Event-ID: %s\r\n" % viewer.cursor if viewer.cursor else b""
    return (
        f"GET /v1/videos/{viewer.video_id}/stream?replay=0 HTTP/1.1\r\nHost: bench\r\n"
        f"X-Forwarded-For: {address(viewer.number)}\r\n"
    ).encode() + (cursor + b"\r\n")


def run(pipe: Any) -> None:
    """The process."""
    EventSources(pipe).run()
