"""Posts as fast as they are answered: a fixed number of connections, one request on each at a time.

Raw sockets and requests made beforehand: who posts must cost little beside who answers.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.child import BenchFailed, carry_out_all

_READ_BYTES = 64 * 1024
_WITHIN_S = 30.0
AUTHOR = "Ann"
_BODY = json.dumps({"author": AUTHOR, "text": "What a goal! " + "x" * 80}).encode()


@dataclass(frozen=True, slots=True)
class Posted:
    """`took_s`: until the last reply."""

    count: int
    took_s: float


class Poster:
    """Handlers of the process."""

    def __init__(self) -> None:
        self._tokens: Sequence[str] = ()

    def use(self, tokens: Sequence[str]) -> None:
        """Post with these tokens in turn from now on; without any if there are none."""
        self._tokens = tokens

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
            return _post(sockets, poll, _requests(videos, self._tokens), for_s)
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


def _requests(videos: int, tokens: Sequence[str]) -> list[bytes]:
    return [_request(number % videos, token) for number, token in _each(videos, tokens)]


def _each(videos: int, tokens: Sequence[str]) -> Iterator[tuple[int, str]]:
    """As many requests as there are videos or tokens, whichever are more."""
    return ((n, tokens[n % len(tokens)] if tokens else "") for n in range(max(videos, len(tokens))))


def _request(video: int, token: str) -> bytes:
    told = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /v1/videos/video-{video}/comments HTTP/1.1\r\nHost: bench\r\n{told}"
        f"Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    )
    return head.encode() + _BODY


def run(pipe: Any) -> None:
    """The process."""
    poster = Poster()
    carry_out_all(pipe, {"post": poster.post, "use": poster.use})
