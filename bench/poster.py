"""Posts as fast as they are answered: a fixed number of connections, one request on each at a time.

Raw sockets and requests made beforehand: who posts must cost little beside who answers.
"""

from __future__ import annotations

import json
import select
import socket
import time
from dataclasses import dataclass
from typing import Any

from bench.child import BenchFailed, carry_out_all

_READ_BYTES = 64 * 1024
_WITHIN_S = 30.0
_BODY = json.dumps({"author": "Ann", "text": "What a goal! " + "x" * 80}).encode()


@dataclass(frozen=True, slots=True)
class Posted:
    """`took_s`: until the last reply."""

    count: int
    took_s: float


class Poster:
    """Handlers of the process."""

    def post(self, ports: list[int], videos: int, connections: int, for_s: float) -> Posted:
        """Post over all videos in turn, on all ports alike. Raises BenchFailed if one is refused
        or not answered.
        """
        sockets: dict[int, socket.socket] = {}
        poll = select.epoll()
        for number in range(connections):
            port = ports[number % len(ports)]
            sock = socket.create_connection(("127.0.0.1", port), timeout=_WITHIN_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets[sock.fileno()] = sock
            poll.register(sock.fileno(), select.EPOLLIN)
        try:
            return _post(sockets, poll, _requests(videos), for_s)
        finally:
            for sock in sockets.values():
                sock.close()
            poll.close()


def _post(
    sockets: dict[int, socket.socket], poll: select.epoll, requests: list[bytes], for_s: float
) -> Posted:
    began = time.monotonic()
    sent = answered = 0
    for sock in sockets.values():
        sock.sendall(requests[sent % len(requests)])
        sent += 1
    while answered < sent:
        now = time.monotonic()
        if now > began + for_s + _WITHIN_S:
            raise BenchFailed(f"{sent - answered} posts were not answered")
        for fd, _events in poll.poll(0.1):
            reply = sockets[fd].recv(_READ_BYTES)
            if not reply.startswith(b"HTTP/1.1 201 "):
                raise BenchFailed(f"unexpected reply: {reply[:80]!r}")
            answered += 1
            if now < began + for_s:
                sockets[fd].sendall(requests[sent % len(requests)])
                sent += 1
    return Posted(answered, time.monotonic() - began)


def _requests(videos: int) -> list[bytes]:
    return [
        (
            f"POST /v1/videos/video-{number}/comments HTTP/1.1\r\nHost: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
        ).encode()
        + _BODY
        for number in range(videos)
    ]


def run(pipe: Any) -> None:
    """The process."""
    carry_out_all(pipe, {"post": Poster().post})
