"""One busy video: 400 comments/s for 500 viewers, then more and more until a core is full.

Frames of a busy video leave joined, so the figure is deliveries for each second of CPU. Beyond what
a core can do the node must join more, not fall behind: the curve shows the delay of a comment, from
when it was due until it has been written to everybody, and how many leave in one write. Whoever
falls behind without bound is twice as late after twice as long: so the last delivery at the highest
rate is looked at after a run and after one of twice its length.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench import nchan, node_server
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import (
    Beside,
    Curve,
    Finding,
    Line,
    Measured,
    On,
    Row,
    Target,
    measured,
    percentile,
)  # fmt: skip
from bench.senders import VIDEO, Audience, NchanSender
from rtms_node.ring import encode_frame

VIEWERS = 500
COMMENTS_PER_S = 400
_RUN_S = 1.5
_RATES = (100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800)
_NCHAN_RATES = (50, 100, 200, 300, 400, 600)
_MAX_DELAY_MS = 25.0
_BELOW_SATURATION = 0.8  # of a core: up to there the delay is what joining adds
_MAX_TIMES_LATE = 1.5  # after twice as long


@dataclass(frozen=True, slots=True)
class Repeat:
    """Ours at each rate, at the highest for twice as long, and nchan's highest rate of
    deliveries/s (0 without nchan).
    """

    loads: list[node_server.Load]
    longer: node_server.Load
    nchan_per_s: float


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark, and its curves. Raises BenchFailed."""
    rates = effort.choose(_RATES, (200, 400))
    nchan_rates = effort.choose(_NCHAN_RATES, (100,))
    with ExitStack() as stack:
        node = _Node(stack)
        peer = NchanSender(stack, VIEWERS, b"x" * 250) if nchan.find_nginx() else None
        node.run(COMMENTS_PER_S)  # caches and memory pools fill up
        done = [
            Repeat(
                [node.run(rate) for rate in rates],
                node.run(rates[-1], 2 * _RUN_S),
                _highest_of_nchan(peer, nchan_rates) if peer else 0.0,
            )
            for _ in range(effort.repeats)
        ]
    loads = [repeat.loads for repeat in done]
    yield from _rows(rates, loads)
    yield from _overload(rates[-1], done)
    yield _highest(done)
    yield from _curves(rates, loads)


class _Node:
    """Ours, with its viewers."""

    def __init__(self, stack: ExitStack) -> None:
        self._audience = Audience(stack, VIEWERS)
        self._node = stack.enter_context(Child(node_server.run, cores()[0]))
        self._audience.connect(self._node.ask("port"))
        self._bytes = len(encode_frame("testepoch001", 1, self._node.ask("sample", VIDEO)))

    def run(self, per_s: float, for_s: float = _RUN_S) -> node_server.Load:
        """Raises BenchFailed unless the viewers got every byte of what was delivered, and of all
        comments at the usual rate.
        """
        before = self._audience.received()
        load: node_server.Load = self._node.ask("overload", [VIDEO], per_s, int(per_s * for_s))
        received = self._audience.received() - before
        if received < load.deliveries * self._bytes:
            raise BenchFailed(f"{load.deliveries} deliveries, viewers received {received} bytes")
        if load.missed and per_s <= COMMENTS_PER_S:
            raise BenchFailed(f"{load.missed} comments were not delivered at {per_s:g} a second")
        return load


def _rows(rates: Sequence[int], done: list[list[node_server.Load]]) -> Iterator[Row]:
    usual = [loads[rates.index(COMMENTS_PER_S)] for loads in done]
    joined = _joined(usual)
    what = f"{VIEWERS} viewers, {COMMENTS_PER_S} comments/s"
    yield Row(
        f"deliveries per CPU second, {what} ({joined:.1f} joined in a write)",
        measured([load.deliveries / load.cpu_s / 1e6 for load in usual], "M", 2),
        target=Target(0.6, "M", at_least=True),
    )
    yield Row(
        f"delay of a comment until the last write, {what}: p99",
        measured([percentile(load.delays_ms, 99) for load in usual], "ms"),
        target=Target(_MAX_DELAY_MS, "ms"),
    )
    calm = [[load for load in loads if _busy(load) < _BELOW_SATURATION] for loads in done]
    if all(calm):
        yield Row(
            f"the same, at the highest rate below {_BELOW_SATURATION:.0%} of a core: p99",
            measured([percentile(loads[-1].delays_ms, 99) for loads in calm], "ms"),
            target=Target(_MAX_DELAY_MS, "ms"),
        )


def _joined(loads: Iterable[node_server.Load]) -> float:
    """Comments in a write."""
    return median(load.deliveries / load.writes for load in loads)


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


def _overload(rate: int, done: Sequence[Repeat]) -> Iterator[Row]:
    def late(loads: Sequence[node_server.Load]) -> Measured:
        return measured([_late_s(load, rate) * 1e3 for load in loads], "ms")

    longer, shorter = [repeat.longer for repeat in done], [repeat.loads[-1] for repeat in done]
    yield Row(
        f"lateness of the last delivery, {VIEWERS} viewers, {rate:,} comments/s for"
        f" {2 * _RUN_S:g} s ({_joined(longer):.0f} joined in a write)",
        late(longer),
        limit=Beside(f"after {_RUN_S:g} s", late(shorter)),
        target=Target(_MAX_TIMES_LATE, "times", on=On.LIMIT),
    )
    yield Row(
        "the same: deliveries that a `gap` stood for, as the viewer was behind all that is kept",
        measured([100 * load.missed / _offered(load) for load in longer], "%"),
    )


def _late_s(load: node_server.Load, rate: int) -> float:
    """From when the last comment was due until the last viewer had it written."""
    return load.took_s - (_offered(load) / VIEWERS - 1) / rate


def _offered(load: node_server.Load) -> int:
    """Deliveries that were due."""
    return load.deliveries + load.missed


def _highest(done: Sequence[Repeat]) -> Row:
    best = [max(load.deliveries / load.took_s for load in repeat.loads) for repeat in done]
    figure = f"highest rate of deliveries, {VIEWERS} viewers, one core"
    ours = measured([rate / 1e3 for rate in best], "k/s", 0)
    if not all(repeat.nchan_per_s for repeat in done):
        return Row(figure, ours)
    peer = measured([repeat.nchan_per_s / 1e3 for repeat in done], "k/s", 0)
    target = Target(4.0, "times", at_least=True, on=On.PEER)
    return Row(figure, ours, peer=Beside("nchan", peer), target=target)


def _highest_of_nchan(sender: NchanSender, rates: Sequence[int]) -> float:
    """Deliveries/s at the rate where it delivers most."""
    best = 0.0
    for rate in rates:
        rounds = int(rate * _RUN_S)
        began = time.monotonic()
        sender.send(rate, rounds)
        best = max(best, rounds * VIEWERS / (time.monotonic() - began))
    return best
