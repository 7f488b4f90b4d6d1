"""What it costs to tell how many watch: in a room of 5,000 viewers whose number changes all the
time, and between a node and a writer for 10,000 videos.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

from bench import node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured
from rtms_node.count_ledger import Ledger
from wire.counts import CountsReply, CountsReport
from wire.ids import new_boot_id
from wire.internal import CountsAnswer, decode, decode_counts, encode
from writer.viewer_totals import TotalsLimits, ViewerTotals

_PER_S = 4.0
_COUNT = 40
_ROOM = "big"
_WITH = 1.05  # of the CPU of the comments without


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    yield from _measure_room(effort)
    yield from _measure_reports(effort)


def _measure_room(effort: Effort) -> Iterator[Finding]:
    audience, count = effort.choose(5_000, 100), effort.choose(_COUNT, 10)
    with ExitStack() as stack:
        viewers = stack.enter_context(Child(sink.run, cores()[1]))
        node = stack.enter_context(Child(node_server.run, cores()[0]))
        sink.connect(viewers, node.ask("port"), [_ROOM] * audience)
        node.ask("post", _ROOM, _PER_S, count)  # the first time buffers grow
        counted, plain, alone = [], [], []
        for _ in range(effort.repeats):
            node.ask("change_counts", _ROOM, True)
            counted.append(node.ask("post", _ROOM, _PER_S, count).cpu_s * 1e3 / count)
            node.ask("change_counts", _ROOM, False)
            plain.append(node.ask("post", _ROOM, _PER_S, count).cpu_s * 1e3 / count)
            alone.append(node.ask("tell_count", _ROOM) * 1e3)
    room = f"a room of {audience:,} viewers: "
    yield Row(
        f"{room}CPU per comment, while the count changes every 2 s",
        measured(counted, "ms"),
        peer=Beside("no count", measured(plain, "ms")),
        target=Target(_WITH, "times", on=On.PEER),
    )
    yield Row(
        f"{room}CPU to tell a count without a comment",
        measured(alone, "ms"),
        peer=Beside("a comment", measured(plain, "ms")),
    )


class _Node:
    """The viewers of a node, as a ledger sees them."""

    def __init__(self, count: int) -> None:
        self._counts = {f"video-{number:06d}": 3 for number in range(count)}

    def watched(self) -> list[str]:
        return list(self._counts)

    def is_empty(self) -> bool:
        return not self._counts

    def count(self, video_id: str) -> int:
        return self._counts[video_id]

    def peak(self, video_id: str) -> int:
        return 9 + self._counts[video_id]

    def change(self) -> None:
        """All of them."""
        for video_id in self._counts:
            self._counts[video_id] += 1


class _Exchange:
    """A node and a writer, but for the connection between them. `sent`, `got`: bytes of bodies."""

    def __init__(self, videos: int) -> None:
        self.node, self.ledger = _Node(videos), Ledger(new_boot_id(), count(1), 0.0)
        self._totals = ViewerTotals("table", TotalsLimits(settle_s=0.0))
        self._totals.begin(0.0)
        self._now = 0.0
        self.sent = self.got = self.requests = 0

    def run(self) -> None:
        """Reports until nothing more is to be told."""
        more = True
        self._now += 2.0
        while more:
            report = self.ledger.take(self._now, self.node)
            body = encode(report)
            came = decode(body, CountsReport)
            answer = encode(CountsAnswer(self._totals.take("node-1", came, self._now)))
            reply = decode_counts(answer)
            assert isinstance(reply, CountsReply)
            self.ledger.answered(report, reply, self._now)
            self._totals.tick(self._now)
            self.sent, self.got = self.sent + len(body), self.got + len(answer)
            self.requests += 1
            more = self.ledger.urgent

    def change_all(self) -> None:
        """Every video has another count."""
        self.node.change()
        self.ledger.changed(self.node.watched())
        self.run()


def _measure_reports(effort: Effort) -> Iterator[Finding]:
    videos = effort.choose(10_000, 500)
    times: dict[str, list[float]] = {"first": [], "still": [], "all": []}
    for _ in range(effort.repeats):
        exchange = _Exchange(videos)
        times["first"].append(_cpu_ms(exchange.run))
        exchange.run()  # of peaks that are sure now
        size = exchange.sent + exchange.got
        times["still"].append(_cpu_ms(exchange.run))
        still = exchange.sent + exchange.got - size
        times["all"].append(_cpu_ms(exchange.change_all))
        every = exchange.sent + exchange.got - size - still
    what = f"a report of {videos:,} videos, node and writer: "
    yield Row(
        f"{what}CPU when none has changed",
        measured(times["still"], "ms", 2),
        peer=Beside("all have", measured(times["all"], "ms")),
    )
    yield Row(
        f"{what}CPU of the first",
        measured(times["first"], "ms"),
        peer=Beside("all have changed", measured(times["all"], "ms")),
    )
    yield Row(
        f"{what}bytes when none has changed",
        measured([float(still)] * effort.repeats, "", 0),
        peer=Beside("all have", measured([float(every)] * effort.repeats, "", 0)),
    )


def _cpu_ms(act: Callable[[], None]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1e3
