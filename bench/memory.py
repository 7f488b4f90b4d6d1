"""Memory of an idle viewer in the node's process, beside a bare uvloop protocol and nchan.

Each value is of a fresh process, because one that has had viewers keeps the memory for the next
ones; the three take turns. Some viewers come before the first reading: what the first ones load
belongs to no viewer. What the kernel keeps for a connection is read from its slab of sockets, where
that may be read, and stated beside it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import bare_server, nchan, node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, Row, Target, measured

VIDEOS = 150
FIRST_VIEWERS = 200
_TARGET_BYTES = 1_536
_SLAB_INFO = Path("/proc/slabinfo")
_SLABS = ("TCP", "TCPv6", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq")


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes that one more viewer takes: in the server's process, and in the kernel's slabs."""

    process: float
    kernel: float


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    viewers = effort.choose(15_000, 200)
    servers: dict[str, Callable[[int], Growth]] = {"node": _of_node, "bare": _of_bare}
    if nchan.find_nginx() is not None:
        servers["nchan"] = _of_nchan
    done: dict[str, list[Growth]] = {name: [] for name in servers}
    for _ in range(effort.repeats):
        for name in random.sample(list(servers), len(servers)):
            done[name].append(servers[name](viewers))
    yield from rows_of(viewers, done)


def rows_of(viewers: int, done: Mapping[str, Sequence[Growth]]) -> Iterator[Row]:
    """What grew, by server: "node", "bare" and perhaps "nchan"."""
    process = {
        name: measured([growth.process for growth in values], "bytes", 0)
        for name, values in done.items()
    }
    figure = f"memory per idle viewer, {viewers:,} viewers of {VIDEOS} videos"
    bare = "bare uvloop protocol"
    yield Row(
        figure,
        process["node"],
        limit=Beside(bare, process["bare"]),
        target=Target(_TARGET_BYTES, "bytes"),
    )
    if "nchan" in process:
        yield Row(figure, process["node"], peer=Beside("nchan", process["nchan"]))
    if can_read_slabs():
        kernel = {
            name: measured([growth.kernel for growth in values], "bytes", 0)
            for name, values in done.items()
        }
        yield Row(
            "kernel memory per idle viewer, both ends of the connection",
            kernel["node"],
            limit=Beside(bare, kernel["bare"]),
        )


def can_read_slabs() -> bool:
    """Whether this process may read the kernel's slabs, which root alone may."""
    return os.access(_SLAB_INFO, os.R_OK)


def _of_node(viewers: int) -> Growth:
    return _growth(node_server.run, viewers)


def _of_bare(viewers: int) -> Growth:
    return _growth(bare_server.run, viewers)


def _growth(server: Callable[[Any], None], viewers: int) -> Growth:
    server_core, viewer_core = cores()
    with Child(server, server_core) as serving, Child(sink.run, viewer_core) as sinking:
        return _grown(sinking, serving.ask("port"), lambda: int(serving.ask("rss")), viewers)


def _of_nchan(viewers: int) -> Growth:
    server_core, viewer_core = cores()
    with ExitStack() as stack:
        sinking = stack.enter_context(Child(sink.run, viewer_core))
        server = stack.enter_context(nchan.Nchan(server_core))
        return _grown(sinking, server.port, server.rss, viewers)


def _grown(sinking: Child, port: int, rss: Callable[[], int], viewers: int) -> Growth:
    _connect(sinking, port, FIRST_VIEWERS)
    before, slabs = rss(), _slab_bytes()
    _connect(sinking, port, viewers)
    return Growth((rss() - before) / viewers, (_slab_bytes() - slabs) / viewers)


def _connect(viewers: Child, port: int, count: int) -> None:
    sink.connect(viewers, port, [f"video-{i % VIDEOS}" for i in range(count)])


def _slab_bytes() -> int:
    """Of the kernel's objects that a connection has; of the whole machine, so by others too. 0 if
    they cannot be read.
    """
    if not can_read_slabs():
        return 0
    fields = [line.split() for line in _SLAB_INFO.read_text().splitlines()[2:]]
    return sum(int(field[1]) * int(field[3]) for field in fields if field[0] in _SLABS)
