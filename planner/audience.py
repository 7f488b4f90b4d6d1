"""Viewers of a real run: they come one by one through the gateway, stay a while, go, and are
replaced; what they receive is counted and forgotten.

A viewer comes when the one before it has its hello, so the gateway places them in a known order.
"""

from __future__ import annotations

import heapq
import random
import re
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Any

from bench.child import BenchFailed, Handlers, carry_out_one

_READ_BYTES = 64 * 1024
_WITHIN_S = 20.0
_SERVED_BY = re.compile(rb"x-served-by: (\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """Totals of all viewers since the start."""

    bytes: int
    joins: int


class Viewers:
    """All viewers. `video_ids` and `weights` say what those who come later will watch."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._random = random.Random(1)
        self._port = 0
        self._video_ids: list[str] = []
        self._weights: list[float] = []
        self._stay_s = 0.0
        self._leaving: list[tuple[float, int, socket.socket]] = []
        self._bytes = self._joins = 0

    def run(self) -> None:
        """Read, come and go, carry out commands. Raises EOFError when the run has ended."""
        handlers: Handlers = {"open": self._open, "stay": self._stay, "seen": self._seen}
        while True:
            if self._read_some():
                carry_out_one(self._pipe, handlers)
            self._replace_some()

    def _open(
        self, port: int, video_ids: list[str], weights: list[float], order: list[str]
    ) -> list[str]:
        """One viewer for each id of `order`; for each the name of its node."""
        self._port, self._video_ids, self._weights = port, video_ids, weights
        return [self._resumed(self._connect(video_id)) for video_id in order]

    def _stay(self, mean_s: float) -> None:
        """From now on viewers stay that long on average (0: for ever)."""
        self._stay_s = mean_s
        self._leaving = []
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                self._plan_to_leave(key.fileobj)

    def _seen(self) -> Seen:
        return Seen(self._bytes, self._joins)

    def _connect(self, video_id: str) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=_WITHIN_S)
        target = f"/v1/videos/{video_id}/stream?replay=0"
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        self._joins += 1
        self._selector.register(sock, selectors.EVENT_READ)
        self._plan_to_leave(sock)
        return sock

    def _resumed(self, sock: socket.socket) -> str:
        """Wait for the hello; the name of the node."""
        data = b""
        while b"event: hello" not in data:
            more = sock.recv(_READ_BYTES)
            if not more:
                raise BenchFailed("a stream was closed")
            data += more
        sock.setblocking(False)
        self._bytes += len(data)
        served_by = _SERVED_BY.search(data)
        return served_by[1].decode() if served_by else ""

    def _plan_to_leave(self, sock: socket.socket) -> None:
        if self._stay_s:
            at = time.monotonic() + self._random.expovariate(1 / self._stay_s)
            heapq.heappush(self._leaving, (at, sock.fileno(), sock))

    def _replace_some(self) -> None:
        """Those whose time has come go; for each another comes."""
        while self._leaving and self._leaving[0][0] <= time.monotonic():
            sock = heapq.heappop(self._leaving)[2]
            self._selector.unregister(sock)
            sock.close()
            chosen = self._random.choices(self._video_ids, self._weights)[0]
            self._connect(chosen).setblocking(False)

    def _read_some(self) -> bool:
        """Read what is there; whether a command waits."""
        commanded = False
        for key, _events in self._selector.select(0.02):
            if not isinstance(key.fileobj, socket.socket):
                commanded = True
                continue
            data = key.fileobj.recv(_READ_BYTES)
            if not data:
                raise BenchFailed("a stream was closed")
            self._bytes += len(data)
        return commanded


def run(pipe: Any) -> None:
    """The process."""
    Viewers(pipe).run()
