"""Posts a writer accepts: HTTP, validation, a durable commit (SQLite, synchronous=FULL), a reply.

Beside it an aiohttp handler that only echoes, on the same core, under the same load, in turn: that
is what aiohttp leaves us. With two writers, on two cores with who posts between them, two of those.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import poster, writer_server
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured

_CONNECTIONS = 64
_RUN_S = 2.0
_VIDEOS = {"one hot video": 1, "1,000 videos": 1_000}
_TARGETS = {"one hot video": 0.6, "1,000 videos": 0.45}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run."""

    per_s: float
    cpu_us: float


class Servers:
    """One or two processes of a kind, and what they answered."""

    def __init__(self, stack: ExitStack, run: Any, count: int, *args: str) -> None:
        self._children = [
            stack.enter_context(Child(run, cores()[number])) for number in range(count)
        ]
        self._ports = [child.ask("open", *args) for child in self._children]

    def load(self, poster_: Child, videos: int, for_s: float) -> Cost:
        """Raises BenchFailed if a post is refused."""
        before = self._cpu_s()
        posted: poster.Posted = poster_.ask("post", self._ports, videos, _CONNECTIONS, for_s)
        return Cost(posted.count / posted.took_s, (self._cpu_s() - before) / posted.count * 1e6)

    def committed(self) -> int:
        """By all of them."""
        return sum(child.ask("committed") for child in self._children)

    def _cpu_s(self) -> float:
        return float(sum(child.ask("cpu_s") for child in self._children))


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    for count in (1, 2):
        yield from _measure(count, effort)


def _measure(count: int, effort: Effort) -> Iterator[Row]:
    for_s = effort.choose(_RUN_S, 0.3)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="livecomments-bench-")))
        posting = stack.enter_context(Child(poster.run, cores()[1] if count == 1 else None))
        writers = Servers(stack, writer_server.run, count, str(folder / "comments.sqlite3"))
        echoes = Servers(stack, writer_server.run_echo, count)
        ours: dict[str, list[Cost]] = {name: [] for name in _VIDEOS}
        theirs: list[Cost] = []
        for number in range(effort.repeats + 1):
            for name in random.sample([*_VIDEOS, "echo"], len(_VIDEOS) + 1):
                servers = echoes if name == "echo" else writers
                cost = servers.load(posting, _VIDEOS.get(name, 1), for_s)
                if number:  # the first time caches fill up, tables grow
                    (theirs if name == "echo" else ours[name]).append(cost)
        if not writers.committed():
            raise BenchFailed("nothing was committed")
    for name, costs in ours.items():
        what = f"{count} writer{'s' * (count > 1)}, {name}"
        yield from _rows(what, costs, theirs, _TARGETS[name])


def _rows(what: str, ours: list[Cost], theirs: list[Cost], target: float) -> Iterator[Row]:
    echo = "aiohttp, echo only"
    rate = Beside(echo, measured([cost.per_s for cost in theirs], "/s", 0))
    yield Row(
        f"posts accepted, {what}",
        measured([cost.per_s for cost in ours], "/s", 0),
        peer=rate,
        target=Target(target, "times", at_least=True, on=On.PEER),
    )
    cpu = Beside(echo, measured([cost.cpu_us for cost in theirs], "us", 0))
    yield Row(f"CPU per post, {what}", measured([cost.cpu_us for cost in ours], "us", 0), peer=cpu)
