"""A soak: half load for a long time, viewers coming and going. Does anything grow?

`python -m bench.soak --minutes 30` is the real one; the short one among the other benchmarks shows
that it runs, and what a minute costs; each is kept under a name of its own. Rings fill up to 4,096
comments each by design: one viewer of each busy video stays at each node, so that all rings begin
at once, are full long before the half, and none goes with its last viewer. Quiet videos, which have
no comments, are opened and closed at nodes all the time.
"""

from __future__ import annotations

import array
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click
import uvloop
from rich.console import Console

from bench import clusters, crowd
from bench.child import BenchFailed, Child
from bench.conditions import Conditions
from bench.effort import Effort
from bench.figures import Curve, Finding, Line, Row, Target, measured, percentile, slope
from bench.open_loop import OpenLoop
from bench.processes import descriptors_of, rss_of
from bench.report import RESULTS, keep, table
from cluster.cluster import Cluster
from cluster.parts import Kind

SHORT, LONG = "soak", "soak-long"  # names of what is kept
_ROOMS, _VIEWERS_PER_ROOM, _POSTS_PER_S = 10, 100, 100.0
_QUIET_ROOMS, _VIEWERS_PER_QUIET_ROOM = 20, 3
_CHANGED_PER_S = 20  # viewers that leave and come
_WINDOWS = 30
_KINDS = (Kind.WRITER, Kind.DISPATCHER, Kind.NODE, Kind.HAPROXY)
_MAX_KIB_PER_MINUTE = 100.0
_MAX_DESCRIPTORS_PER_MINUTE = 1.0
_MAX_DRIFT = 1.5


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen at the end of one: minutes since the start, by part. `rings`: bytes of comments
    in a node's memory.
    """

    at: float
    rss: dict[str, int]
    rings: dict[str, int]
    descriptors: dict[str, int]
    p99_ms: float


def measure(effort: Effort) -> Iterator[Finding]:
    """The short one, once, whatever the number of repeats: its windows are its repeats. Raises
    BenchFailed.
    """
    minutes, windows = effort.choose((0.75, 9), (0.06, 3))
    yield from findings_of(SHORT, uvloop.run(_measure(minutes, windows)))


def findings_of(name: str, windows: Sequence[Window]) -> Iterator[Finding]:
    """The rows and curves of a soak with this name; only the long one is judged."""
    judged = name == LONG
    late = windows[len(windows) // 2 :]
    minutes = windows[-1].at
    what = f"soak of {minutes:.1f} min, once, {len(windows)} windows"

    def grown(pick: Callable[[Window], dict[str, int]]) -> tuple[str, float]:
        slopes = {
            part: slope([(window.at, float(pick(window)[part])) for window in late])
            for part in pick(late[0])
        }
        worst = max(slopes, key=lambda part: slopes[part])
        return worst, slopes[worst]

    part, bytes_per_minute = grown(lambda window: window.rss)
    yield Row(
        f"{what}: memory slope in the second half, worst process ({part})",
        measured([bytes_per_minute / 1024], "KiB/min", 0),
        target=Target(_MAX_KIB_PER_MINUTE, "KiB/min") if judged else None,
    )
    part, per_minute = grown(lambda window: window.descriptors)
    yield Row(
        f"{what}: descriptors, worst process ({part})",
        measured([per_minute], "/min", 2),
        target=Target(_MAX_DESCRIPTORS_PER_MINUTE, "/min") if judged else None,
    )
    third = max(len(windows) // 3, 1)
    first = percentile([window.p99_ms for window in windows[:third]], 50)
    last = percentile([window.p99_ms for window in windows[-third:]], 50)
    yield Row(
        f"{what}: p99 from post to viewer, last third by first third",
        measured([last / first], "", 2),
        target=Target(_MAX_DRIFT) if judged else None,
    )
    yield from _curves(name, windows)


def _curves(name: str, windows: Sequence[Window]) -> Iterator[Curve]:
    def line(label: str, read: Callable[[Window], float]) -> Line:
        return Line(label, tuple((window.at, read(window)) for window in windows))

    parts = [part for part in windows[0].rss if part.endswith(("-1", "haproxy"))]
    parts += [part for part in windows[0].rings if part not in parts]
    lines = [line(part, lambda w, part=part: w.rss[part] / 1e6) for part in parts]  # type: ignore[misc]
    lines.append(line("rings of all nodes", lambda w: sum(w.rings.values()) / 1e6))
    yield Curve(f"{name}-memory", "Resident memory during a soak", "minutes", "MB", tuple(lines))
    p99 = line("p99 of each window", lambda window: window.p99_ms)
    yield Curve(f"{name}-p99", "Post to viewer during a soak", "minutes", "ms", (p99,))


async def _measure(minutes: float, windows: int) -> list[Window]:
    async with clusters.running() as cluster:
        port = cluster.part("haproxy").ports["http"]
        busy = [f"soak-{number}" for number in range(_ROOMS)]
        quiet = [f"quiet-{number}" for number in range(_QUIET_ROOMS)]
        posts = OpenLoop(port, busy)
        try:
            with Child(crowd.run) as staying, Child(crowd.run) as viewers:
                for node_port in clusters.node_ports(cluster):
                    crowd.connect(staying, node_port, busy)
                all_rooms = busy * _VIEWERS_PER_ROOM + quiet * _VIEWERS_PER_QUIET_ROOM
                crowd.connect(viewers, port, all_rooms)
                return await _soak(cluster, staying, viewers, posts, minutes, windows)
        finally:
            await posts.aclose()


async def _soak(
    cluster: Cluster,
    staying: Child,
    viewers: Child,
    posts: OpenLoop,
    minutes: float,
    windows: int,
) -> list[Window]:
    seconds = minutes * 60 / windows
    loop = asyncio.get_running_loop()
    began, seen = loop.time(), []
    for _ in range(windows):
        await asyncio.gather(
            posts.run(_POSTS_PER_S, int(_POSTS_PER_S * seconds)), _change(viewers, seconds)
        )
        late = array.array("q")
        late.frombytes(await asyncio.to_thread(viewers.ask, "take_all"))
        await asyncio.to_thread(staying.ask, "take_all")  # not through the gateway: not looked at
        if not late:
            raise BenchFailed("nothing was delivered")
        at = (loop.time() - began) / 60
        seen.append(await _window(cluster, at, percentile(late, 99) / 1e6))
    return seen


async def _change(viewers: Child, seconds: float) -> None:
    """Some viewers leave, as many come, every second."""
    for _ in range(max(int(seconds), 1)):
        begun = asyncio.get_running_loop().time()
        await asyncio.to_thread(viewers.ask, "change", _CHANGED_PER_S)
        await asyncio.sleep(max(begun + 1.0 - asyncio.get_running_loop().time(), 0.0))


async def _window(cluster: Cluster, at: float, p99_ms: float) -> Window:
    pids = {name: pid for kind in _KINDS for name, pid in clusters.pids(cluster, kind).items()}
    nodes = clusters.pids(cluster, Kind.NODE)
    return Window(
        at,
        {name: rss_of(pid) for name, pid in pids.items()},
        {name: int(await clusters.metric(cluster, name, "frame_bytes")) for name in nodes},
        {name: descriptors_of(pid) for name, pid in pids.items()},
        p99_ms,
    )


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0.5, 24 * 60))
def main(minutes: float) -> None:
    """The real soak: prints its rows, keeps them and the pictures beside the others."""
    console, before = Console(), Conditions.now()
    try:
        findings = list(findings_of(LONG, uvloop.run(_measure(minutes, _WINDOWS))))
    except BenchFailed as exc:
        console.print(f"not measured: {exc}", markup=False)
        sys.exit(1)
    keep(LONG, findings, before.text_until_now(), RESULTS)
    console.print(table([finding for finding in findings if isinstance(finding, Row)]))


if __name__ == "__main__":
    main()
