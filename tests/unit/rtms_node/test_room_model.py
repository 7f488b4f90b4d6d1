"""Any mix of lost, repeated and reordered forwards, joins, stalls, trims and failed reads: every
viewer still sees each comment after its cursor once and in order, or a gap that names what is
missing."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.stats import Stats
from rtms_node.surroundings import Surroundings
from rtms_node.testing import ManualClock, ManualReads, MemoryStore, RecordingTransport
from rtms_node.viewer import Viewer

LIMITS = Limits(max_replay=12, max_frames=20, max_held=6, max_write_bytes=400, slice_size=2)
STEPS = (
    "post", "forward", "forward", "repeat", "overlap", "lose", "heads", "range", "fail", "join",
    "resume", "leave", "stall", "drain", "trim", "probe", "tick",
)  # fmt: skip


class Silent:
    def join(self, video_id: str) -> None: ...
    def leave(self, video_id: str) -> None: ...


class World:
    """A node, a store and messages in flight, driven by a list of steps."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.reads = ManualReads(self.store)
        surroundings: Any = Surroundings(
            "node-1", self.clock, LIMITS, Stats(), self.reads, lambda at: None
        )
        self.hub = Hub(surroundings, self.reads, Silent(), lambda video_id: None)
        self.in_flight: list[Any] = []
        self.watchers: list[tuple[RecordingTransport, int | None]] = []

    def post(self) -> None:
        self.in_flight.append(self.store.post("v1", self.random.randint(1, 6)))

    def forward(self) -> None:
        if self.in_flight:
            self.hub.ingest(self.in_flight.pop(self.random.randrange(len(self.in_flight))))

    def repeat(self) -> None:
        if self.in_flight:
            self.hub.ingest(self.random.choice(self.in_flight))

    def overlap(self) -> None:
        head = self.store.head("v1")
        if head:
            first = self.random.randint(max(1, head - 8), head)
            last = self.random.randint(first, min(head, first + 6))
            self.hub.ingest(self.store.batch("v1", first, last))

    def lose(self) -> None:
        if self.in_flight:
            self.in_flight.pop()

    def heads(self) -> None:
        self.reads.answer_heads()

    def range(self) -> None:
        if self.reads.ranges:
            self.reads.answer_range()

    def fail(self) -> None:
        if self.reads.ranges:
            self.reads.answer_range(fail=True)

    def join(self) -> None:
        self._join(None)

    def resume(self) -> None:
        self._join(self.random.randint(0, self.store.head("v1")))

    def leave(self) -> None:
        if self.watchers:
            self.random.choice(self.watchers)[0].close()

    def stall(self) -> None:
        for transport, _ in self.watchers:
            if not transport.closed and self.random.random() < 0.3:
                transport.full_after = self.random.randint(1, 3)

    def drain(self) -> None:
        for transport, _ in self.watchers:
            transport.drain()

    def trim(self) -> None:
        for room in self.hub.rooms.values():
            room.drop_frames()

    def probe(self) -> None:
        self.hub.probe("v1")

    def tick(self) -> None:
        self.clock.advance(self.random.choice((0.01, 0.2, 1.0)))

    def settle(self) -> None:
        """All faults heal: everything asked for is answered."""
        self.drain()
        for _ in range(60):
            self.probe()
            self.heads()
            while self.reads.ranges:
                self.range()
            self.clock.advance(0.6)
            self.drain()

    def _join(self, cursor: int | None) -> None:
        transport = RecordingTransport()
        text = None if cursor is None else f"{self.store.epoch}-{cursor}"
        viewer = Viewer(self.hub, transport, "a", text, 5)
        transport.protocol = viewer
        self.watchers.append((transport, cursor))
        self.hub.join(viewer, "v1")


def check(transport: RecordingTransport, cursor: int | None, head: int) -> None:
    place = cursor
    for block in bytes(transport.written).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        name = fields.get("event")
        data = json.loads(fields["data"]) if name else None
        if name == "hello":
            start = int(fields["id"].partition("-")[2])
            assert place in (None, start)
            place = start
        elif name == "comment":
            assert place is not None
            assert data["seq"] == place + 1
            assert data["text"] == f"text {place + 1}"
            place += 1
        elif name == "gap":
            assert data["from"] == place + 1 <= data["to"]
            place = data["to"]
        else:
            assert name is None, name
    if not transport.closed:
        assert place == head


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(10, 200))
def test_every_viewer_sees_an_unbroken_history(seed: int, length: int) -> None:
    # Steps drawn by a seed, not by hypothesis: its lists are mostly short, and long runs find more.
    world = World(seed)
    for step in world.random.choices(STEPS, k=length):
        getattr(world, step)()
    world.join()
    world.settle()
    for transport, cursor in world.watchers:
        check(transport, cursor, world.store.head("v1"))
