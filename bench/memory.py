"""Memory of an idle viewer in the node's process, beside a bare uvloop protocol and nchan.

Each repeat is a fresh process, because one that has had viewers keeps the memory for the next ones.
Some viewers come before the first reading: what the first ones load belongs to no viewer. What the
kernel keeps for a connection is read from its slab of sockets and stated beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import bare_server, nchan, node_server, sink
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, Reach, Row, measured

VIDEOS = 150
FIRST_VIEWERS = 200
_REACH_BYTES = 1_536
_SLABS = ("TCP", "TCPv6", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq")


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    viewers = effort.choose(15_000, 200)
    done = [
        (_growth(node_server.run, viewers), _growth(bare_server.run, viewers))
        for _ in range(effort.repeats)
    ]
    ours = measured([node for (node, _), _ in done], "bytes", 0)
    bare = measured([bare for _, (bare, _) in done], "bytes", 0)
    figure = f"memory per idle viewer, {viewers:,} viewers of {VIDEOS} videos"
    reach = Reach(_REACH_BYTES, "bytes")
    yield Row(figure, ours, limit=Beside("bare uvloop protocol", bare), reach=reach)
    if nchan.find_nginx() is not None:
        peer = [_growth_of_nchan(viewers) for _ in range(effort.repeats)]
        yield Row(figure, ours, peer=Beside("nchan", measured(peer, "bytes", 0)))
    kernel = measured([node for (_, node), _ in done], "bytes", 0)
    bare_kernel = measured([bare for _, (_, bare) in done], "bytes", 0)
    yield Row(
        "kernel memory per idle viewer, both ends of the connection",
        kernel,
        limit=Beside("bare uvloop protocol", bare_kernel),
    )


def _growth(server: Callable[[Any], None], viewers: int) -> tuple[float, float]:
    """Resident bytes that one more viewer takes, and bytes of the kernel's slabs."""
    server_core, viewer_core = cores()
    with Child(server, server_core) as serving, Child(sink.run, viewer_core) as sinking:
        port = serving.ask("port")
        _connect(sinking, port, FIRST_VIEWERS)
        before, slabs = serving.ask("rss"), _slab_bytes()
        _connect(sinking, port, viewers)
        grown: int = serving.ask("rss") - before
        return grown / viewers, (_slab_bytes() - slabs) / viewers


def _growth_of_nchan(viewers: int) -> float:
    server_core, viewer_core = cores()
    with ExitStack() as stack:
        sinking = stack.enter_context(Child(sink.run, viewer_core))
        server = stack.enter_context(nchan.Nchan(server_core))
        _connect(sinking, server.port, FIRST_VIEWERS)
        before = server.rss()
        _connect(sinking, server.port, viewers)
        return (server.rss() - before) / viewers


def _connect(viewers: Child, port: int, count: int) -> None:
    sink.connect(viewers, port, [f"video-{i % VIDEOS}" for i in range(count)])


def _slab_bytes() -> int:
    """Of the kernel's objects that a connection has; of the whole machine, so by others too."""
    try:
        lines = Path("/proc/slabinfo").read_text().splitlines()
    except OSError as exc:
        raise BenchFailed("the kernel's memory can be read by root only") from exc
    fields = [line.split() for line in lines[2:]]
    return sum(int(field[1]) * int(field[3]) for field in fields if field[0] in _SLABS)
