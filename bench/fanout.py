"""CPU per delivery: one node on one core, its viewers on the other.

The node, a C loop, a Python loop and a bare uvloop server send frames of the same size to as many
sockets at the same pace. They take turns, in an order drawn anew each time, and a repeat is the
median of several turns: other programs on the machine then hit all of them alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench import bare_server, node_server, raw_server, sink
from bench.child import BenchFailed, Child, cores
from bench.figures import Measured, Reach, Row, measured, ratio
from wire.sse import comment_frame

VIEWERS = 1_000
COMMENTS_PER_S = 20  # each round leaves before the next comes: one write for each delivery
ROUNDS = 4
TURNS = 8
BUSY_VIEWERS = 500
BUSY_COMMENTS_PER_S = 400
BUSY_COMMENTS = 600
# When other programs take the core away, two comments may meet in one write. The cost is counted
# per write, so that cannot flatter us; if it happens often, the figure is void.
MIN_WRITES = 0.5
_QUIET, _BUSY = "quiet", "busy"
_LIMITS = {"c": "send loop in C", "python": "send loop in Python", "uvloop": "bare uvloop write"}


@dataclass(frozen=True, slots=True)
class Repeat:
    """Microseconds of CPU: `each` by who sends, per write; `busy` per delivery, `joined` of them in
    a write.
    """

    each: dict[str, float]
    busy: float
    joined: float


class Stage:
    """All servers with their viewers connected."""

    def __init__(self, stack: ExitStack) -> None:
        server_core, viewer_core = cores()
        self._node = stack.enter_context(Child(node_server.run, server_core))
        self._bare = stack.enter_context(Child(bare_server.run, server_core))
        self._raw = stack.enter_context(Child(raw_server.run, server_core))
        self._sink = stack.enter_context(Child(sink.run, viewer_core))
        self._frame = b""
        self.limits: list[str] = [*self._raw.ask("loops"), "uvloop"]

    def connect(self) -> None:
        """Raises BenchFailed if a viewer gets no reply."""
        quiet = [_QUIET] * VIEWERS
        node_port = self._node.ask("port")
        self._sink.ask("open", node_port, quiet)
        self._sink.ask("open", node_port, [_BUSY] * BUSY_VIEWERS)
        self._sink.ask("open", self._bare.ask("port"), quiet)
        self._sink.ask("await_replies")
        self._sink.ask("open", self._raw.ask("port"), quiet)
        self._raw.ask("accept", VIEWERS)
        self._frame = comment_frame("testepoch001", 1, self._node.ask("sample", _QUIET))

    def repeat(self) -> Repeat:
        """Measure everything once."""
        turns: dict[str, list[float]] = {who: [] for who in ("node", *self.limits)}
        for who in random.sample(list(turns) * TURNS, len(turns) * TURNS):
            turns[who].append(self._turn(who) * 1e6)
        busy: node_server.Load = self._node.ask("post", _BUSY, BUSY_COMMENTS_PER_S, BUSY_COMMENTS)
        return Repeat(
            each={who: median(values) for who, values in turns.items()},
            busy=busy.cpu_s / busy.deliveries * 1e6,
            joined=busy.deliveries / busy.writes,
        )

    def _turn(self, who: str) -> float:
        """CPU seconds per write."""
        if who == "node":
            return self._turn_of_node()
        server, how = (self._bare, ()) if who == "uvloop" else (self._raw, (who,))
        cpu_s: float = server.ask("send", *how, self._frame, COMMENTS_PER_S, ROUNDS)
        return cpu_s / (VIEWERS * ROUNDS)

    def _turn_of_node(self) -> float:
        before = self._sink.ask("bytes")
        load: node_server.Load = self._node.ask("post", _QUIET, COMMENTS_PER_S, ROUNDS)
        if load.writes < MIN_WRITES * load.deliveries:
            raise BenchFailed(f"{load.deliveries} deliveries took {load.writes} writes: coalesced")
        received = self._sink.ask("bytes") - before
        if received < load.deliveries * len(self._frame):
            raise BenchFailed(f"viewers received only {received} bytes")
        return load.cpu_s / load.writes


def measure(repeats: int) -> Iterator[Row]:
    """The rows of this benchmark. Raises BenchFailed."""
    with ExitStack() as stack:
        stage = Stage(stack)
        stage.connect()
        stage.repeat()  # caches and memory pools fill up
        done = [stage.repeat() for _ in range(repeats)]
    yield from (_per_delivery(done, who) for who in stage.limits)
    yield _saturated(done, stage.limits[0])


def _per_delivery(done: list[Repeat], who: str) -> Row:
    ours, limit = _column(done, "node"), _column(done, who)
    reach = None if who == "uvloop" else Reach(0.75, at_least=True)
    figure = f"CPU per delivery, {VIEWERS:,} viewers of one video, not coalesced"
    return Row(figure, ours, _LIMITS[who], limit, ratio(limit, ours), reach, on_ratio=True)


def _column(done: list[Repeat], who: str) -> Measured:
    return measured([repeat.each[who] for repeat in done], "us")


def _saturated(done: list[Repeat], who: str) -> Row:
    joined = median(repeat.joined for repeat in done)
    ours = measured([1e3 / repeat.busy for repeat in done], "k/s", 0)
    limit = measured([1e3 / repeat.each[who] for repeat in done], "k/s", 0)
    figure = (
        f"deliveries per CPU second, {BUSY_VIEWERS} viewers, {BUSY_COMMENTS_PER_S} comments/s"
        f" ({joined:.1f} joined in a write)"
    )
    return Row(figure, ours, f"{_LIMITS[who]}, one by one", limit, ratio(ours, limit))
