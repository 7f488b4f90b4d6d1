"""A node without its edges: hub, reader, anti-entropy checks and the clock that drives them.

The node's process puts its listeners and a wiring around it, the single process puts its own store
and sink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import CollectorRegistry

from rtms_node.antientropy import AntiEntropySchedule, AntiEntropyTimes
from rtms_node.context import NodeContext
from rtms_node.feed import Feed
from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.metrics import export_node, post_to_write
from rtms_node.reader import Source, StoreReader
from rtms_node.stats import Stats
from rtms_node.upkeep import Upkeep
from service.failpoints import Failpoint, reach
from service.logs import bind_request, clean_request_id
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.internal import Batch

log = structlog.get_logger()

_BEAT_S = 0.5
_SWEEP_S = 1.0
_CHECK_S = 0.25
_CHECK_AGAIN_S = 0.5


class Node:
    """Build it on the running loop; `start` begins its periodic work, `close` ends every stream."""

    def __init__(
        self,
        node_id: str,
        limits: Limits,
        antientropy_times: AntiEntropyTimes,
        source: Source,
        feed: Feed,
        tasks: TaskHome,
        registry: CollectorRegistry,
        on_reachable: Callable[[bool], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = tasks
        self._feed = feed
        self._slice_size = limits.slice_size
        self._schedule = AntiEntropySchedule(antientropy_times)
        self.stats = Stats()
        self.reader = StoreReader(source, tasks, on_reachable, limits.retry_read_s)
        context = NodeContext(
            node_id, self._loop, limits, self.stats, self.reader, post_to_write(registry)
        )
        self.hub = Hub(context, self, self._on_active)
        self.upkeep = Upkeep(context, self.hub)
        export_node(registry, self.stats, self.hub, self.reader)

    def start(self) -> None:
        """Begin to read heads, beat, sweep and check."""
        self.reader.start()
        self._tasks.spawn(self._every(_BEAT_S, self.upkeep.heartbeat), "heartbeat")
        self._tasks.spawn(self._every(_SWEEP_S, self.upkeep.sweep), "sweep")
        self._tasks.spawn(self._every(_CHECK_S, self._check_due), "antientropy")

    def close(self) -> None:
        """End every stream at once."""
        self.hub.close()

    def accept_message(self, batches: Sequence[Batch]) -> list[str]:
        """A message with comments has come, whoever sent it; returns the videos in it that this
        node does not serve.
        """
        reach(Failpoint.NODE_BEFORE_APPEND)
        self.stats.messages += 1
        not_serving = []
        for batch in batches:
            with bind_request(clean_request_id(batch.request_id)):
                log.debug("forwarded", video_id=batch.video_id, last_seq=batch.last_seq)
                note(Stage.FORWARDED, batch.accepted_at)
                if not self.hub.ingest(batch):
                    not_serving.append(batch.video_id)
        return not_serving

    def announced(self, video_id: str) -> None:
        """From now on comments of this video come here. What was posted just before is found by an
        anti-entropy check now; a second one finds what was on its way along the old route, or newer
        than the head that a writer had cached.
        """
        self.hub.check(video_id)
        self._loop.call_later(_CHECK_AGAIN_S, self.hub.check, video_id)

    def check_often(self, fast: bool) -> None:
        """Check all videos often, because comments may be lost (ZooKeeper or Redis is away), or as
        usual again.
        """
        self._schedule.set_fast(fast, self._loop.time())

    @property
    def queues(self) -> dict[str, int]:
        """What waits where."""
        return {
            "heads": self.reader.heads_waiting,
            "ranges": self.reader.ranges_waiting,
            "paused_viewers": self.hub.paused_viewers,
        }

    # The hub's feed: anti-entropy checks and the real feed follow the same videos

    def subscribe(self, video_id: str) -> None:
        """See Feed."""
        self._schedule.add(video_id, self._loop.time())
        self._feed.subscribe(video_id)

    def unsubscribe(self, video_id: str) -> None:
        """See Feed."""
        self._schedule.discard(video_id)
        self._feed.unsubscribe(video_id)

    def _on_active(self, video_id: str) -> None:
        self._schedule.hasten(video_id, self._loop.time())

    def _check_due(self) -> None:
        rooms = self.hub.rooms
        due = self._schedule.take_due(
            self._loop.time(), lambda video_id: rooms[video_id].active_at, self._slice_size
        )
        for video_id in due:
            self.hub.check(video_id)
        if len(due) == self._slice_size:
            self._loop.call_soon(self._check_due)

    async def _every(self, interval_s: float, act: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(interval_s)
            act()
