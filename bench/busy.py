"""One busy video: 400 comments/s for 500 viewers, then more and more until a core is full.

Frames of a busy video leave joined, so the figure is deliveries for each second of CPU. Beyond what
a core can do the node must join more, not fall behind: the curve shows the delay of a comment, from
when it was due until it has been written to everybody, and how many leave in one write.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median

from bench import nchan, node_server
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import Beside, Curve, Finding, Line, On, Reach, Row, measured, percentile
from bench.senders import VIDEO, Audience, NchanSender
from wire.sse import comment_frame

VIEWERS = 500
COMMENTS_PER_S = 400
_RUN_S = 1.5
_RATES = (100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800)
_NCHAN_RATES = (50, 100, 200, 300, 400, 600)
_MAX_DELAY_MS = 25.0
_BELOW_SATURATION = 0.8  # of a core: up to there the delay is what joining adds
_KEPT_UP = 0.95


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark, and its curves. Raises BenchFailed."""
    rates = effort.choose(_RATES, (200, 400))
    with ExitStack() as stack:
        node = _Node(stack)
        node.run(COMMENTS_PER_S)  # caches and memory pools fill up
        done = [[node.run(rate) for rate in rates] for _ in range(effort.repeats)]
    yield from _rows(rates, done)
    yield from _curves(rates, done)
    best = [max(load.deliveries / load.took_s for load in loads) for loads in done]
    yield _against_nchan(effort, best)


class _Node:
    """Ours, with its viewers."""

    def __init__(self, stack: ExitStack) -> None:
        self._audience = Audience(stack, VIEWERS)
        self._node = stack.enter_context(Child(node_server.run, cores()[0]))
        self._audience.connect(self._node.ask("port"))
        self._bytes = len(comment_frame("testepoch001", 1, self._node.ask("sample", VIDEO)))

    def run(self, per_s: float) -> node_server.Load:
        """Raises BenchFailed unless every viewer got every byte."""
        before = self._audience.received()
        count = int(per_s * _RUN_S)
        load: node_server.Load = self._node.ask("post", VIDEO, per_s, count)
        received = self._audience.received() - before
        if load.deliveries != count * VIEWERS or received < load.deliveries * self._bytes:
            raise BenchFailed(f"{load.deliveries} deliveries, viewers received {received} bytes")
        return load


def _rows(rates: Sequence[int], done: list[list[node_server.Load]]) -> Iterator[Row]:
    usual = [loads[rates.index(COMMENTS_PER_S)] for loads in done]
    joined = median(load.deliveries / load.writes for load in usual)
    what = f"{VIEWERS} viewers, {COMMENTS_PER_S} comments/s"
    yield Row(
        f"deliveries per CPU second, {what} ({joined:.1f} joined in a write)",
        measured([load.deliveries / load.cpu_s / 1e6 for load in usual], "M", 2),
        reach=Reach(0.6, "M", at_least=True),
    )
    yield Row(
        f"delay of a comment until the last write, {what}: p99",
        measured([percentile(load.delays_ms, 99) for load in usual], "ms"),
        reach=Reach(_MAX_DELAY_MS, "ms"),
    )
    calm = [[load for load in loads if _busy(load) < _BELOW_SATURATION] for loads in done]
    if all(calm):
        yield Row(
            f"the same, at the highest rate below {_BELOW_SATURATION:.0%} of a core: p99",
            measured([percentile(loads[-1].delays_ms, 99) for loads in calm], "ms"),
            reach=Reach(_MAX_DELAY_MS, "ms"),
        )


def _busy(load: node_server.Load) -> float:
    return load.cpu_s / load.took_s


def _curves(rates: Sequence[int], done: list[list[node_server.Load]]) -> Iterator[Curve]:
    def line(name: str, figure: object) -> Line:
        assert callable(figure)
        points = (
            (float(rate), median(figure(loads[at]) for loads in done))
            for at, rate in enumerate(rates)
        )
        return Line(name, tuple(points))

    offered = f"comments/s offered to {VIEWERS} viewers"
    yield Curve(
        "busy-delay",
        "A busy video: from due to written to all",
        offered,
        "ms",
        (
            line("p50", lambda load: percentile(load.delays_ms, 50)),
            line("p99", lambda load: percentile(load.delays_ms, 99)),
        ),
    )
    yield Curve(
        "busy-rate",
        "A busy video: deliveries, and how many leave in one write",
        offered,
        "thousand deliveries/s; comments in a write",
        (
            line("delivered, k/s", lambda load: load.deliveries / load.took_s / 1e3),
            line("comments in a write", lambda load: load.deliveries / load.writes),
            line("% of a core", lambda load: 100 * _busy(load)),
        ),
    )


def _against_nchan(effort: Effort, best: list[float]) -> Row:
    figure = f"highest rate of deliveries, {VIEWERS} viewers, one core"
    ours = measured([rate / 1e3 for rate in best], "k/s", 0)
    if nchan.find_nginx() is None:
        return Row(figure + " (nchan is not installed)", ours)
    rates = effort.choose(_NCHAN_RATES, (100,))
    with ExitStack() as stack:
        sender = NchanSender(stack, VIEWERS, b"x" * 250)
        highest = [_highest_of_nchan(sender, rates) for _ in range(effort.repeats)]
    peer = measured([rate / 1e3 for rate in highest], "k/s", 0)
    reach = Reach(4.0, "times", at_least=True, on=On.PEER)
    return Row(figure, ours, peer=Beside("nchan", peer), reach=reach)


def _highest_of_nchan(sender: NchanSender, rates: Sequence[int]) -> float:
    """Deliveries/s at the rate where it delivers most."""
    best = 0.0
    for rate in rates:
        rounds = int(rate * _RUN_S)
        began = time.monotonic()
        sender.send(rate, rounds)
        best = max(best, rounds * VIEWERS / (time.monotonic() - began))
    return best
