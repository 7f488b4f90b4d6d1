"""Who sends comments to viewers in a fan-out: ours, and what it is held against.

Each has its viewers in a process of its own on the other core (a process has 20,000 descriptors),
sends frames of the same size at the same pace, and says what CPU that took. A run is void when the
viewers did not get every byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from bench import bare_server, nchan, node_server, raw_server, sink
from bench.child import BenchFailed, Child, at_rate, cores
from rtms_node.ring import encode_frame

VIDEO = "quiet"
# When other programs take the core away, two comments may meet in one write. The cost is counted
# per write, so that cannot flatter us; if it happens often, the figure is void.
_MIN_WRITES = 0.5
_LEFT_WITHIN_S = 5.0


class Sender(Protocol):
    """One of them, with its viewers connected."""

    name: str

    def send(self, per_s: float, rounds: int) -> float:
        """CPU microseconds for each write of `rounds` comments to every viewer. Raises
        BenchFailed.
        """


class Audience:
    """The viewers of one sender."""

    def __init__(self, stack: ExitStack, viewers: int, core: int | None = cores()[1]) -> None:
        self.viewers = viewers
        self._sink = stack.enter_context(Child(sink.run, core))

    def connect(self, port: int) -> None:
        """Raises BenchFailed if a viewer gets no reply."""
        sink.connect(self._sink, port, [VIDEO] * self.viewers)

    def connect_to_silent(self, port: int, accept: Callable[[int], object]) -> None:
        """As `connect`, to a server that says nothing and is told how many to accept."""
        for start in range(0, self.viewers, sink.AT_ONCE):
            count = min(sink.AT_ONCE, self.viewers - start)
            self._sink.ask("open", port, [VIDEO] * count)
            accept(count)

    def received(self) -> int:
        """Bytes so far."""
        count: int = self._sink.ask("bytes")
        return count


class NodeSender:
    """Ours."""

    name = "node"

    def __init__(self, stack: ExitStack, viewers: int) -> None:
        self._audience = Audience(stack, viewers)
        self._node = stack.enter_context(Child(node_server.run, cores()[0]))
        self._audience.connect(self._node.ask("port"))
        self.frame = encode_frame("testepoch001", 1, self._node.ask("sample", VIDEO))

    def send(self, per_s: float, rounds: int) -> float:
        """See Sender."""
        load = self.post(per_s, rounds)
        if load.writes < _MIN_WRITES * load.deliveries:
            raise BenchFailed(f"{load.deliveries} deliveries took {load.writes} writes: coalesced")
        return load.cpu_s / load.writes * 1e6

    def post(self, per_s: float, rounds: int) -> node_server.Load:
        """The same at a rate at which comments may leave joined. Raises BenchFailed."""
        before = self._audience.received()
        load: node_server.Load = self._node.ask("post", VIDEO, per_s, rounds)
        received = self._audience.received() - before
        if received < load.deliveries * len(self.frame):
            raise BenchFailed(f"viewers received only {received} bytes")
        return load


class RawSender:
    """The machine's limit: a loop in C that does nothing but `send`; without a compiler in
    Python.
    """

    IN_C, IN_PYTHON = "send loop in C", "send loop in Python"

    def __init__(self, stack: ExitStack, viewers: int, frame: bytes) -> None:
        self._frame, self._viewers = frame, viewers
        audience = Audience(stack, viewers)
        self._raw = stack.enter_context(Child(raw_server.run, cores()[0]))
        audience.connect_to_silent(
            self._raw.ask("port"), lambda count: self._raw.ask("accept", count)
        )
        self._loop: str = self._raw.ask("loops")[0]
        self.name = self.IN_C if self._loop == "c" else self.IN_PYTHON

    def send(self, per_s: float, rounds: int) -> float:
        """See Sender."""
        self.begin(per_s, rounds, 1)
        return self.cost()

    def begin(self, per_s: float, rounds: int, rooms: int) -> None:
        """Send each round to the viewers of another room, while others are at work; then ask for
        the `cost`, in CPU microseconds for each write.
        """
        self._writes = rounds * self._viewers / rooms
        self._raw.tell("send", self._loop, self._frame, per_s, rounds, rooms)

    def cost(self) -> float:
        """Of what was begun, when it has ended. Raises BenchFailed."""
        cpu_s: float = self._raw.answer()
        return cpu_s / self._writes * 1e6


class BareSender:
    """A bare uvloop server: `transport.write` for each connection."""

    name = "uvloop's transport"

    def __init__(self, stack: ExitStack, viewers: int, frame: bytes) -> None:
        self._frame, self._viewers = frame, viewers
        audience = Audience(stack, viewers)
        self._bare = stack.enter_context(Child(bare_server.run, cores()[0]))
        audience.connect(self._bare.ask("port"))

    def send(self, per_s: float, rounds: int) -> float:
        """See Sender."""
        cpu_s: float = self._bare.ask("send", self._frame, per_s, rounds)
        return cpu_s / (self._viewers * rounds) * 1e6


class NchanSender:
    """nginx with nchan; what it costs to take the comment in is counted too, as it is for ours."""

    name = "nchan"

    def __init__(self, stack: ExitStack, viewers: int, frame: bytes) -> None:
        self._text = b"x" * (len(frame) - len(b"id: 1700000000:0\ndata: \n\n"))
        self._viewers = viewers
        self._audience = Audience(stack, viewers)
        self._nchan = stack.enter_context(nchan.Nchan(cores()[0]))
        self._audience.connect(self._nchan.port)

    def send(self, per_s: float, rounds: int) -> float:
        """See Sender."""
        seen, before = self._audience.received(), self._nchan.cpu_s()
        at_rate(per_s, rounds, lambda _i: self._nchan.publish(VIDEO, self._text))
        self._wait_for(seen + rounds * self._viewers * len(self._text))
        return (self._nchan.cpu_s() - before) / (self._viewers * rounds) * 1e6

    def _wait_for(self, expected: int) -> None:
        deadline = time.monotonic() + _LEFT_WITHIN_S
        while self._audience.received() < expected:
            if time.monotonic() > deadline:
                raise BenchFailed("viewers of nchan did not receive everything")


def others(stack: ExitStack, viewers: int, frame: bytes) -> list[Sender]:
    """The limit first, then the peers that are there."""
    senders: list[Sender] = [
        RawSender(stack, viewers, frame),
        BareSender(stack, viewers, frame),
    ]
    if nchan.find_nginx() is not None:
        senders.append(NchanSender(stack, viewers, frame))
    return senders
