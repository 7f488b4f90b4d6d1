"""One cluster under a load of comments: what it costs, by role, and how late its viewers are.

Posts are an open loop (see open_loop.py). Who posts and who watches are processes of their own on
the same machine: they are bounded, so that they are not what is measured, and their share is told.
"""

from __future__ import annotations

import array
import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench import clusters, crowd
from bench.child import BenchFailed, Child
from bench.open_loop import OpenLoop
from bench.processes import cpu_s_of
from cluster.cluster import Cluster
from cluster.parts import Kind

MAX_MEASURING = 0.5  # of a core
# Replies, acknowledgements and checks that are due after the last delivery belong to the load.
_TAIL_S = 0.3
_LEAD_IN_S = 0.8


@dataclass(frozen=True, slots=True)
class Shape:
    """Who watches what."""

    videos: int
    viewers: int  # of each

    @property
    def text(self) -> str:
        """As in the report."""
        return f"{self.videos} videos of {self.viewers} viewers"

    @property
    def names(self) -> list[str]:
        """Of the videos."""
        return [f"{self.videos}-of-{self.viewers}-{number}" for number in range(self.videos)]


@dataclass(frozen=True, slots=True)
class Slice:
    """One load. CPU seconds by part, what idling takes included; milliseconds of lateness of every
    delivery; `measuring`: CPU seconds of who posts and who watches.
    """

    comments: int
    took_s: float
    cpu_s: Mapping[str, float]
    late_ms: Sequence[float]
    measuring_s: float


class Contender:
    """A running cluster and its viewers. Its methods raise BenchFailed."""

    def __init__(
        self, cluster: Cluster, shape: Shape, viewers: Child, runner: asyncio.Runner
    ) -> None:
        self.cluster = cluster
        self._shape = shape
        self._viewers, self._runner = viewers, runner
        self._port = cluster.part("haproxy").ports["http"]

    @property
    def pids(self) -> list[int]:
        """Of all processes of the cluster."""
        found = (clusters.pids(self.cluster, kind) for kind in Kind)
        return [pid for by_part in found for pid in by_part.values()]

    def open(self) -> None:
        """The viewers come."""
        crowd.connect(self._viewers, self._port, self._shape.names * self._shape.viewers)

    def run(self, per_s: float, seconds: float) -> Slice:
        """So many comments a second, over all videos in turn. A short lead-in is not counted, in
        which connections are opened, between the processes too.
        """
        load = OpenLoop(self._port, self._shape.names)
        try:
            self._post(load, per_s, max(int(per_s * _LEAD_IN_S), 1))
            return self._count(load, per_s, seconds)
        finally:
            self._runner.run(load.aclose())

    def _count(self, load: OpenLoop, per_s: float, seconds: float) -> Slice:
        comments = int(per_s * seconds)
        before, measured = clusters.cpu_by_part(self.cluster), self._measuring_s()
        began = time.monotonic()
        late = self._post(load, per_s, comments)
        time.sleep(_TAIL_S)
        after, took_s = clusters.cpu_by_part(self.cluster), time.monotonic() - began
        measuring_s = self._measuring_s() - measured
        if measuring_s > MAX_MEASURING * took_s:
            raise BenchFailed(f"who measures took {measuring_s / took_s:.2f} of a core")
        cpu_s = {name: after[name] - before[name] for name in after}
        return Slice(comments, took_s, cpu_s, [ns / 1e6 for ns in late], measuring_s)

    def _post(self, load: OpenLoop, per_s: float, comments: int) -> array.array[int]:
        """The lateness of every delivery, in nanoseconds."""
        self._runner.run(load.post(per_s, comments))
        expected = comments * self._shape.viewers
        late = array.array("q")
        late.frombytes(self._viewers.ask("take", expected))
        if len(late) != expected:
            raise BenchFailed(f"{len(late)} deliveries, expected {expected}")
        return late

    def _measuring_s(self) -> float:
        return time.process_time() + cpu_s_of(self._viewers.pid)


@contextmanager
def contender(cluster: Cluster, shape: Shape, runner: asyncio.Runner) -> Iterator[Contender]:
    """With its viewers connected."""
    with Child(crowd.run) as viewers:
        found = Contender(cluster, shape, viewers, runner)
        found.open()
        yield found


def idle_rates(contenders: Iterable[Contender], seconds: float) -> list[dict[str, float]]:
    """CPU seconds a second of every process, of all at the same time, while nobody posts."""
    return cpu_rates([one.cluster for one in contenders], seconds)


def cpu_rates(held: Sequence[Cluster], seconds: float) -> list[dict[str, float]]:
    """CPU seconds a second of every process of these clusters, over the same time."""
    before, began = [clusters.cpu_by_part(one) for one in held], time.monotonic()
    time.sleep(seconds)
    after, took_s = [clusters.cpu_by_part(one) for one in held], time.monotonic() - began
    return [
        {name: (now[name] - then[name]) / took_s for name in now}
        for then, now in zip(before, after, strict=True)
    ]
