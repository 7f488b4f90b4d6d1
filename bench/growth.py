"""Growth: 1 to 16 nodes, viewers on one of them. What does a comment cost, and whom?

A forward goes once to each node with a viewer, however many viewers it has and however many nodes
there are. The others' CPU must stay what it is when nobody posts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import uvloop

from bench import clusters, sink
from bench.child import Child
from bench.effort import Effort
from bench.figures import Beside, Curve, Finding, Line, On, Row, Target, measured
from bench.open_loop import OpenLoop
from cluster.cluster import Cluster
from cluster.parts import Kind

_COUNTS = (1, 2, 4, 8, 16)
_VIEWERS = 200
_POSTS_PER_S = 50.0
_WINDOW_S = 4.0
_VIDEO = "growth"
_SERVING = "node-1"
_FLAT = 1.2  # so much may the others' CPU differ from that of an idle node


@dataclass(frozen=True, slots=True)
class Window:
    """CPU in milliseconds for each second, of each: the dispatchers together, the serving node,
    and the others on average. `forwarded`: comments, over all nodes.
    """

    dispatchers: float
    serving: float
    other: float
    forwarded: float


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark and its curve. Raises BenchFailed."""
    counts = effort.choose(_COUNTS, (1, 2))
    window_s = effort.choose(_WINDOW_S, 1.0)
    idle, loaded = uvloop.run(_measure(counts, window_s, effort.repeats))
    most, posts = counts[-1], int(_POSTS_PER_S * window_s)
    yield Row(
        f"comments forwarded for each comment, {most} nodes, {_VIEWERS} viewers on one of them",
        measured([window.forwarded / posts for window in loaded[most]], "", 2),
        limit=Beside("nodes with a viewer", measured([1.0] * effort.repeats, "", 0)),
        target=Target(1.0, "times", on=On.LIMIT),
    )
    yield Row(
        f"CPU of a node without viewers, {most} nodes, {_POSTS_PER_S:g} comments/s elsewhere",
        measured([window.other for window in loaded[most]], "ms/s", 2),
        limit=Beside("no posts", measured([w.other for w in idle[most]], "ms/s", 2)),
        target=Target(_FLAT, "times", on=On.LIMIT),
    )
    yield Row(
        f"CPU of a node without viewers, {most} nodes, no posts",
        measured([window.other for window in idle[most]], "ms/s", 2),
        limit=Beside(f"{counts[1]} nodes", measured([w.other for w in idle[counts[1]]], "ms/s", 2)),
    )
    yield Row(
        f"CPU of the dispatchers, {most} nodes, {_POSTS_PER_S:g} comments/s",
        measured([window.dispatchers for window in loaded[most]], "ms/s"),
        limit=Beside(
            f"{counts[0]} node", measured([w.dispatchers for w in loaded[counts[0]]], "ms/s")
        ),
    )
    yield _curve(idle, loaded)


def _curve(idle: Mapping[int, list[Window]], loaded: Mapping[int, list[Window]]) -> Curve:
    def line(name: str, windows: Mapping[int, list[Window]], figure: str) -> Line:
        points = [
            (float(count), measured([getattr(w, figure) for w in done], "").median)
            for count, done in windows.items()
        ]
        return Line(name, tuple(points))

    lines = (
        line("dispatchers", loaded, "dispatchers"),
        line("the node with viewers", loaded, "serving"),
        line("a node without", loaded, "other"),
        line("a node without, no posts", idle, "other"),
    )
    title = f"{_POSTS_PER_S:g} comments/s, viewers on one node"
    return Curve("growth", title, "nodes", "ms of CPU each second", lines)


async def _measure(
    counts: tuple[int, ...], window_s: float, repeats: int
) -> tuple[dict[int, list[Window]], dict[int, list[Window]]]:
    idle: dict[int, list[Window]] = {}
    loaded: dict[int, list[Window]] = {}
    async with clusters.running(nodes=counts[0]) as cluster:
        with Child(sink.run) as viewers:
            port = cluster.part(_SERVING).ports["public"]
            sink.connect(viewers, port, [_VIDEO] * _VIEWERS)
            posts = OpenLoop(cluster.part("haproxy").ports["http"], [_VIDEO])
            try:
                for count in counts:
                    cluster = await clusters.grow(cluster, nodes=count)
                    await posts.run(_POSTS_PER_S, int(_POSTS_PER_S))  # connections are made
                    idle[count], loaded[count] = [], []
                    for _ in range(repeats):
                        idle[count].append(await _window(cluster, None, window_s))
                        loaded[count].append(await _window(cluster, posts, window_s))
            finally:
                await posts.aclose()
    return idle, loaded


async def _window(cluster: Cluster, posts: OpenLoop | None, window_s: float) -> Window:
    loop = asyncio.get_running_loop()
    before, forwarded, began = clusters.cpu_by_part(cluster), await _forwarded(cluster), loop.time()
    if posts is not None:
        await posts.run(_POSTS_PER_S, int(_POSTS_PER_S * window_s))
    await asyncio.sleep(max(began + window_s - loop.time(), 0.0))
    after, took_s = clusters.cpu_by_part(cluster), loop.time() - began

    def spent(names: set[str]) -> float:
        return clusters.growth(before, after, names) / took_s * 1e3

    others = set(clusters.pids(cluster, Kind.NODE)) - {_SERVING}
    return Window(
        dispatchers=spent(set(clusters.pids(cluster, Kind.DISPATCHER))),
        serving=spent({_SERVING}),
        other=spent(others) / max(len(others), 1),
        forwarded=await _forwarded(cluster) - forwarded,
    )


async def _forwarded(cluster: Cluster) -> float:
    names = clusters.pids(cluster, Kind.DISPATCHER)
    totals = [await clusters.metric(cluster, name, "forwarded_comments_total") for name in names]
    return sum(totals)
