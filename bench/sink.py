"""Viewers that cost next to nothing: raw sockets that are read and forgotten.

They run in a process and on a core of their own, so that their work is not counted as the server's,
and they read only now and then: a viewer that sleeps until its bytes come must be woken up, and on
one machine the server's send would pay for that. Real viewers are on other machines.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from bench.child import BenchFailed, Child, Handlers, carry_out_one

AT_ONCE = 1_000
_READ_BYTES = 64 * 1024
_MAX_EVENTS = 8_192
_WITHIN_S = 30.0
_NAP_S = 0.02  # what comes meanwhile must fit into the socket buffers


def request(video_id: str, address: str) -> bytes:
    """What a viewer sends, with the gateway's header that says who it is."""
    return (
        f"GET /v1/videos/{video_id}/stream?replay=0 HTTP/1.1\r\n"
        f"Host: bench\r\nAccept: text/event-stream\r\nX-Forwarded-For: {address}\r\n\r\n"
    ).encode()


def address(number: int) -> str:
    """An address of its own for each viewer."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Sink:
    """All viewers of a benchmark. `got` counts the bytes of each socket."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._epoll = select.epoll()
        self._epoll.register(pipe.fileno(), select.EPOLLIN)
        self._sockets: dict[int, socket.socket] = {}
        self._buffer = bytearray(_READ_BYTES)
        self._opened = 0
        self._silent: set[int] = set()  # opened, and nothing received yet
        self._total = 0
        self._closed = 0  # by the server; at the end of a benchmark that is how it should be

    def run(self) -> None:
        """Read, and carry out commands. Raises EOFError when the benchmark has ended."""
        handlers: Handlers = {
            "open": self._open,
            "await_replies": self._await_replies,
            "bytes": self._bytes,
        }
        while True:
            time.sleep(_NAP_S)
            if self._read_some():
                carry_out_one(self._pipe, handlers)

    def _open(self, port: int, video_ids: list[str]) -> int:
        """One viewer for each video id named."""
        for video_id in video_ids:
            sock = socket.create_connection(("127.0.0.1", port), timeout=_WITHIN_S)
            sock.sendall(request(video_id, address(self._opened)))
            sock.setblocking(False)
            self._sockets[sock.fileno()] = sock
            self._silent.add(sock.fileno())
            self._epoll.register(sock.fileno(), select.EPOLLIN)
            self._opened += 1
        return len(video_ids)

    def _await_replies(self) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while self._silent:
            if time.monotonic() > deadline:
                raise BenchFailed(f"{len(self._silent)} viewers got no reply")
            self._read_some()
        self._require_open()

    def _bytes(self) -> int:
        """All bytes received so far, what has arrived until now included."""
        before = -1
        while before != self._total:
            before = self._total
            time.sleep(_NAP_S)
            self._read_some()
        self._require_open()
        return self._total

    def _require_open(self) -> None:
        if self._closed:
            raise BenchFailed(f"the server closed {self._closed} streams")

    def _read_some(self) -> bool:
        """Read what is there, once per socket; whether a command waits."""
        commanded = False
        for fd, _events in self._epoll.poll(0.0, _MAX_EVENTS):
            sock = self._sockets.get(fd)
            if sock is None:
                commanded = True
            else:
                self._read(fd, sock)
        return commanded

    def _read(self, fd: int, sock: socket.socket) -> None:
        try:
            count = sock.recv_into(self._buffer)
        except BlockingIOError:
            return
        except ConnectionError:
            count = 0
        self._silent.discard(fd)
        self._total += count
        if not count:
            self._closed += 1
            self._epoll.unregister(fd)


def connect(viewers: Child, port: int, video_ids: Sequence[str]) -> None:
    """Open a viewer for each video id, no more at a time than a listener's backlog holds. Raises
    BenchFailed if one gets no reply.
    """
    for start in range(0, len(video_ids), AT_ONCE):
        viewers.ask("open", port, list(video_ids[start : start + AT_ONCE]))
        viewers.ask("await_replies")


def run(pipe: Any) -> None:
    """The process."""
    Sink(pipe).run()
