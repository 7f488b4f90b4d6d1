"""Two nodes on two cores against one on one core: the highest rate of deliveries.

Each node has as many viewers and is offered far more comments than it can send one by one. The
viewers' processes share the two cores, so two nodes cannot be twice as fast here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from bench import node_server
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, Row, measured
from bench.senders import VIDEO, Audience

_VIEWERS = 500
_OFFERED_PER_S = 6_400
_RUN_S = 1.5


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    count = int(_OFFERED_PER_S * effort.choose(_RUN_S, 0.2))
    with ExitStack() as stack:
        nodes = [_node(stack, core) for core in cores()]
        for node in nodes:
            _rate([node], count)  # caches and memory pools fill up
        one, two = [], []
        for _ in range(effort.repeats):
            one.append(_rate(nodes[:1], count) / 1e3)
            two.append(_rate(nodes, count) / 1e3)
    yield Row(
        f"highest rate of deliveries, two nodes on two cores, {_VIEWERS} viewers each",
        measured(two, "k/s", 0),
        limit=Beside("one node on one core", measured(one, "k/s", 0)),
    )


def _node(stack: ExitStack, core: int) -> Child:
    audience = Audience(stack, _VIEWERS, core=None)
    node = stack.enter_context(Child(node_server.run, core))
    audience.connect(node.ask("port"))
    return node


def _rate(nodes: list[Child], count: int) -> float:
    """Deliveries/s of all together; the slowest one's time counts."""
    for node in nodes:
        node.tell("overload", [VIDEO], _OFFERED_PER_S, count)
    loads: list[node_server.Load] = [node.answer() for node in nodes]
    return sum(load.deliveries for load in loads) / max(load.took_s for load in loads)
