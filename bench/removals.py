"""What a removal costs a node beside a comment: one room of 5,000 viewers, comments and removals in
turn, at the same rate. A removal swaps a frame of the ring, and its notice goes to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured

PER_S = 4.0
_COUNT = 20
_ROOM = "big"


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    audience, count = effort.choose(5_000, 100), effort.choose(_COUNT, 4)
    with ExitStack() as stack:
        viewers = stack.enter_context(Child(sink.run, cores()[1]))
        node = stack.enter_context(Child(node_server.run, cores()[0]))
        sink.connect(viewers, node.ask("port"), [_ROOM] * audience)
        node.ask("post", _ROOM, PER_S, count)  # the first time buffers grow
        loads = [
            (node.ask("remove", _ROOM, PER_S, count), node.ask("post", _ROOM, PER_S, count))
            for _ in range(effort.repeats)
        ]
    figure = f"removal, {audience:,} viewers of one video: "
    removed, posted = zip(*loads, strict=True)
    yield Row(
        f"{figure}CPU per delivery",
        measured([_cpu_us(load) for load in removed], "us"),
        peer=Beside("a comment", measured([_cpu_us(load) for load in posted], "us")),
        target=Target(1.0, "times", on=On.PEER),
    )
    yield Row(
        f"{figure}until the last viewer, longest",
        measured([max(load.delays_ms) for load in removed], "ms"),
        peer=Beside("a comment", measured([max(load.delays_ms) for load in posted], "ms")),
    )


def _cpu_us(load: node_server.Load) -> float:
    return load.cpu_s / load.deliveries * 1e6
