"""CPU per delivery: one node on one core, its viewers on the other.

In each repeat the node, a C loop, a Python loop and a bare uvloop server send the same number of
frames of the same size to as many sockets at the same pace, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench import bare_server, node_server, raw_server, sink
from bench.child import BenchFailed, Child, cores
from bench.figures import Reach, Row, measured, ratio
from wire.sse import comment_frame

VIEWERS = 1_000
COMMENTS_PER_S = 20  # each round leaves before the next comes: one write for each delivery
ROUNDS = 40
BUSY_VIEWERS = 500
BUSY_COMMENTS_PER_S = 400
BUSY_COMMENTS = 800
IDLE_S = 1.0
# When other programs take the core away, two comments may meet in one write. The cost is counted
# per write, so that cannot flatter us; if it happens often, the figure is void.
MIN_SINGLE = 0.9
_QUIET, _BUSY = "quiet", "busy"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Microseconds of CPU per delivery; `raw` by kind of loop."""

    node: float
    uvloop: float
    raw: dict[str, float]
    busy: float
    busy_per_write: float


class Stage:
    """All servers with their viewers connected."""

    def __init__(self, stack: ExitStack) -> None:
        server_core, viewer_core = cores()
        self.node = stack.enter_context(Child(node_server.run, server_core))
        self.bare = stack.enter_context(Child(bare_server.run, server_core))
        self.raw = stack.enter_context(Child(raw_server.run, server_core))
        self.sink = stack.enter_context(Child(sink.run, viewer_core))
        self.frame = b""
        self.loops: list[str] = self.raw.ask("loops")

    def connect(self) -> None:
        """Raises BenchFailed if a viewer gets no reply."""
        quiet = [_QUIET] * VIEWERS
        node_port = self.node.ask("port")
        self.sink.ask("open", node_port, quiet)
        self.sink.ask("open", node_port, [_BUSY] * BUSY_VIEWERS)
        self.sink.ask("open", self.bare.ask("port"), quiet)
        self.sink.ask("await_replies")
        self.sink.ask("open", self.raw.ask("port"), quiet)
        self.raw.ask("accept", VIEWERS)
        raw = self.node.ask("sample", _QUIET)
        self.frame = comment_frame("testepoch001", 1, raw)

    def repeat(self) -> Repeat:
        """Measure everything once."""
        deliveries = VIEWERS * ROUNDS
        idle = self.node.ask("idle", IDLE_S)
        raw = {}
        before = self.sink.ask("bytes")
        quiet: node_server.Load = self.node.ask("post", _QUIET, COMMENTS_PER_S, ROUNDS)
        self._check(quiet, before)
        for loop in self.loops:
            cpu_s = self.raw.ask("send", loop, self.frame, COMMENTS_PER_S, ROUNDS)
            raw[loop] = cpu_s / deliveries * 1e6
        uvloop_s = self.bare.ask("send", self.frame, COMMENTS_PER_S, ROUNDS)
        busy: node_server.Load = self.node.ask("post", _BUSY, BUSY_COMMENTS_PER_S, BUSY_COMMENTS)
        busy_s = busy.cpu_s - idle * busy.lasted_s
        return Repeat(
            node=(quiet.cpu_s - idle * quiet.lasted_s) / quiet.writes * 1e6,
            uvloop=uvloop_s / deliveries * 1e6,
            raw=raw,
            busy=busy_s / busy.deliveries * 1e6,
            busy_per_write=busy.deliveries / busy.writes,
        )

    def _check(self, load: node_server.Load, before: int) -> None:
        """A figure is void unless the viewers have it all, nearly always in writes of one frame."""
        if load.writes < MIN_SINGLE * load.deliveries:
            raise BenchFailed(f"{load.deliveries} deliveries took {load.writes} writes: coalesced")
        received = self.sink.ask("bytes") - before
        if received < load.deliveries * len(self.frame):
            raise BenchFailed(f"viewers received only {received} bytes")


def measure(repeats: int) -> Iterator[Row]:
    """The rows of this benchmark. Raises BenchFailed."""
    with ExitStack() as stack:
        stage = Stage(stack)
        stage.connect()
        stage.repeat()  # caches and memory pools fill up
        done = [stage.repeat() for _ in range(repeats)]
    ours = measured([one.node for one in done], "us")
    reach = Reach(0.75, at_least=True)
    what = f"CPU per delivery, {VIEWERS} viewers, not coalesced"
    limits = {"c": "send loop in C", "python": "send loop in Python"}
    for loop in stage.loops:
        limit = measured([one.raw[loop] for one in done], "us")
        yield Row(what, ours, limits[loop], limit, ratio(limit, ours), reach, on_ratio=True)
    bare = measured([one.uvloop for one in done], "us")
    yield Row(what, ours, "bare uvloop transport", bare, ratio(bare, ours))
    per_core = measured([1e3 / one.busy for one in done], "k/s", 0)
    lowest = stage.loops[0]
    uncoalesced = measured([1e3 / one.raw[lowest] for one in done], "k/s", 0)
    joined = sum(one.busy_per_write for one in done) / len(done)
    yield Row(
        f"deliveries per CPU second, {BUSY_VIEWERS} viewers, {BUSY_COMMENTS_PER_S} comments/s"
        f" ({joined:.1f} joined in a write)",
        per_core,
        f"{limits[lowest]}, one send each",
        uncoalesced,
        ratio(per_core, uncoalesced),
    )
