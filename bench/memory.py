"""Memory of an idle viewer in the node's process, beside a bare uvloop protocol.

Each repeat is a fresh process, because one that has had viewers keeps the memory for the next ones.
Some viewers come before the first reading: what the first ones load belongs to no viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bench import bare_server, node_server, sink
from bench.child import Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, Reach, Row, measured

VIEWERS = 5_000
VIDEOS = 50
FIRST_VIEWERS = 200


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    pairs = [(_growth(node_server.run), _growth(bare_server.run)) for _ in range(effort.repeats)]
    ours = measured([node for node, _ in pairs], "bytes", 0)
    bare = measured([bare for _, bare in pairs], "bytes", 0)
    figure = f"memory per idle viewer, {VIEWERS:,} viewers of {VIDEOS} videos"
    reach = Reach(2_048, "bytes")
    yield Row(figure, ours, peer=Beside("bare uvloop protocol", bare), reach=reach)


def _growth(server: Callable[[Any], None]) -> float:
    """Resident bytes that one more viewer takes."""
    server_core, viewer_core = cores()
    with Child(server, server_core) as serving, Child(sink.run, viewer_core) as viewers:
        port = serving.ask("port")
        _connect(viewers, port, FIRST_VIEWERS)
        before = serving.ask("rss")
        _connect(viewers, port, VIEWERS)
        grown: int = serving.ask("rss") - before
    return grown / VIEWERS


def _connect(viewers: Child, port: int, count: int) -> None:
    viewers.ask("open", port, [f"video-{i % VIDEOS}" for i in range(count)])
    viewers.ask("await_replies")
