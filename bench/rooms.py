"""Many small rooms against one big one of as many viewers: CPU per delivery.

2,000 videos with 5 viewers each get 400 comments/s over all, in turn; in the other process all
viewers watch one video.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Reach, Row, measured

VIEWERS_PER_ROOM = 5
COMMENTS_PER_S = 400
_RUN_S = 2.0
_BIG_PER_S = 1.0


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    rooms = [f"room-{number}" for number in range(effort.choose(2_000, 50))]
    viewers = len(rooms) * VIEWERS_PER_ROOM
    with ExitStack() as stack:
        many = _node(stack, rooms * VIEWERS_PER_ROOM)
        one = _node(stack, ["big"] * viewers)
        small, big = [], []
        for _ in range(effort.repeats + 1):  # the first time caches and memory pools fill up
            small.append(_cost(many, rooms, COMMENTS_PER_S))
            big.append(_cost(one, ["big"], _BIG_PER_S))
    yield Row(
        f"CPU per delivery, {len(rooms):,} videos x {VIEWERS_PER_ROOM} viewers,"
        f" {COMMENTS_PER_S} comments/s over all",
        measured(small[1:], "us"),
        limit=Beside(f"one room of {viewers:,}", measured(big[1:], "us")),
        reach=Reach(1.5, "times", on=On.LIMIT),
    )


def _node(stack: ExitStack, video_ids: list[str]) -> Child:
    viewers = stack.enter_context(Child(sink.run, cores()[1]))
    node = stack.enter_context(Child(node_server.run, cores()[0]))
    sink.connect(viewers, node.ask("port"), video_ids)
    return node


def _cost(node: Child, rooms: list[str], per_s: float) -> float:
    """Microseconds."""
    count = int(per_s * _RUN_S)
    load: node_server.Load = node.ask("post", rooms, per_s, count)
    return load.cpu_s / load.deliveries * 1e6
