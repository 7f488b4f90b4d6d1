"""Registrations and routes: 10,000 videos on each of three nodes, a real ZooKeeper.

All register at once; a dispatcher reads every route; one node dies without a word; ZooKeeper is
killed and started again. A route is right when the dispatcher, asked for it, names exactly the
nodes that serve the video.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import clusters, registering
from bench.child import Child
from bench.effort import Effort
from bench.figures import Beside, Finding, Row, Target, measured
from cluster.cluster import Cluster

_NODES = ("node-1", "node-2", "node-3")
_ZOOKEEPER = "zookeeper-1"


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds; `threads` is how many more a process has at the end."""

    registered: float
    read: float
    right_after_end: float
    settled_after_bounce: float
    serving_after_bounce: float
    threads: int


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    count = effort.choose(10_000, 300)
    done = [asyncio.run(_measure(count)) for _ in range(effort.repeats)]
    each = f"{count:,} videos on each of {len(_NODES)} nodes"
    yield _row(f"{each}: all registered", [run.registered for run in done], 2.0)
    yield _row("the same: all routes read for the first time", [run.read for run in done])
    yield _row(
        "a node killed: its routes right, from its session's end",
        [run.right_after_end for run in done],
        1.0,
    )
    yield Row(
        "ZooKeeper killed and started: every route right, read and watched again, from its start",
        measured([run.settled_after_bounce for run in done], "s", 2),
        limit=Beside("it answers", measured([run.serving_after_bounce for run in done], "s", 2)),
    )
    threads = measured([run.threads for run in done], "threads", 0)
    yield Row("the same: more threads than before, in any process", threads, target=Target(0.0))


def _row(what: str, seconds: Sequence[float], bound: float | None = None) -> Row:
    target = None if bound is None else Target(bound, "s")
    return Row(what, measured(seconds, "s", 2), target=target)


async def _measure(count: int) -> Run:
    async with clusters.only(_ZOOKEEPER) as cluster:
        with ExitStack() as stack:
            return await _run(stack, cluster, count)


async def _run(stack: ExitStack, cluster: Cluster, count: int) -> Run:
    zookeeper = f"127.0.0.1:{cluster.part(_ZOOKEEPER).ports['client']}"
    dispatcher = stack.enter_context(Child(registering.run_dispatcher))
    observer = stack.enter_context(Child(registering.run_observer))
    for child in (dispatcher, observer):
        child.ask("start", zookeeper)
    nodes = {name: stack.enter_context(Child(registering.run_node)) for name in _NODES}
    videos = {name: [f"{name}-{number}" for number in range(count)] for name in _NODES}
    for name, node in nodes.items():
        node.ask("start", zookeeper, name)
    registered = _register(nodes, videos)
    read = dispatcher.ask("resolve", [video for name in _NODES for video in videos[name]])
    dispatcher.ask("wait_right", videos)
    right_after_end = _kill_one(observer, dispatcher, nodes.pop(_NODES[-1]), videos)
    left = [dispatcher, *nodes.values()]
    threads = [child.ask("threads") for child in left]
    serving, settled = await _bounce(cluster, dispatcher, videos)
    more = max(child.ask("threads") - before for child, before in zip(left, threads, strict=True))
    return Run(registered, read, right_after_end, settled, serving, more)


def _register(nodes: Mapping[str, Child], videos: Mapping[str, list[str]]) -> float:
    for name, node in nodes.items():
        node.tell("register", videos[name])
    return float(max(node.answer() for node in nodes.values()))


def _kill_one(
    observer: Child, dispatcher: Child, node: Child, videos: dict[str, list[str]]
) -> float:
    # Another process says when: among 10,000 events the dispatcher hears of the member late.
    observer.tell("wait_gone", _NODES[-1])
    node.kill()
    dead = videos.pop(_NODES[-1])
    dispatcher.tell("wait_right", {**videos, "": dead})
    gone_at, right_at = float(observer.answer()), float(dispatcher.answer())
    return right_at - gone_at


async def _bounce(
    cluster: Cluster, dispatcher: Child, videos: dict[str, list[str]]
) -> tuple[float, float]:
    """Seconds until ZooKeeper serves, and until the dispatcher has seen to every route."""
    suspensions = dispatcher.ask("suspensions")
    await cluster.kill(_ZOOKEEPER)
    started_at = time.monotonic()
    await cluster.start(_ZOOKEEPER)
    serving_at = time.monotonic()
    settled_at = float(await asyncio.to_thread(dispatcher.ask, "wait_settled", suspensions))
    right_at = float(await asyncio.to_thread(dispatcher.ask, "wait_right", videos))
    return serving_at - started_at, max(settled_at, right_at) - started_at
