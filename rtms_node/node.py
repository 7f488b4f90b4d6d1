"""A node without its edges: hub, reader, anti-entropy checks and the clock that drives them.

The node's process puts its listeners and a wiring around it, the single process puts its own store
and sink.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import count

import structlog
from prometheus_client import CollectorRegistry

from rtms_node.antientropy import AntiEntropySchedule, AntiEntropyTimes
from rtms_node.context import NodeContext
from rtms_node.feed import Feed
from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.metrics import export_counts, export_node, post_to_write
from rtms_node.reader import Source, StoreReader
from rtms_node.stats import Stats
from rtms_node.upkeep import Upkeep
from rtms_node.viewer_counts import Totals, ViewerCounts, report_viewers
from service.failpoints import Failpoint, reach
from service.logs import bind_request, clean_request_id
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.ids import new_boot_id
from wire.internal import Batch

log = structlog.get_logger()

_BEAT_S = 0.5
_BEATS_A_SWEEP = 2
_CHECK_AGAIN_S = 0.5
_EARLY_S = 0.005  # a timer's clock is no finer


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
        self._tasks, self._registry = tasks, registry
        self._feed = feed
        self._slice_size = limits.slice_size
        self._schedule = AntiEntropySchedule(antientropy_times, limits.slice_size)
        self._check_timer: asyncio.TimerHandle | None = None
        self._check_at: float | None = None
        self._traces: bool = log.is_enabled_for(logging.DEBUG)  # asked once, not for each comment
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
        self._tasks.spawn(self._beat(), "heartbeat")

    def count_viewers(self, totals: Totals) -> ViewerCounts:
        """Begin to tell how many watch here, and to be told how many watch everywhere. To be called
        before the first viewer comes.
        """
        counts = ViewerCounts(new_boot_id(), self.hub, self._loop)
        self.hub.on_count = counts.touch
        export_counts(self._registry, counts)
        self._tasks.spawn(report_viewers(counts, totals, self._tasks.spawn), "viewer counts")
        return counts

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
            if self._traces:
                _trace(batch)
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
        self._set_check_timer()

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
        self._set_check_timer()
        self._feed.subscribe(video_id)

    def unsubscribe(self, video_id: str) -> None:
        """See Feed."""
        self._schedule.discard(video_id)
        self._set_check_timer()
        self._feed.unsubscribe(video_id)

    def _on_active(self, video_id: str) -> None:
        self._schedule.hasten(video_id, self._loop.time())
        self._set_check_timer()

    def _set_check_timer(self) -> None:
        """There is one for what is due next, and none while there is nothing to check."""
        due = self._schedule.next_due
        if due == self._check_at:
            return
        if self._check_timer is not None:
            self._check_timer.cancel()
        self._check_at = due
        self._check_timer = None if due is None else self._loop.call_at(due, self._check_due)

    def _check_due(self) -> None:
        rooms = self.hub.rooms
        now = self._loop.time() + _EARLY_S
        due = self._schedule.take_due(
            now, lambda video_id: rooms[video_id].active_at, self._slice_size
        )
        self._check_timer = self._check_at = None
        self._set_check_timer()
        for video_id in due:
            self.hub.check(video_id)

    async def _beat(self) -> None:
        """Keep up what there is; a node without viewers sleeps."""
        for beat in count():
            await self.hub.wait_watched()
            await asyncio.sleep(_BEAT_S)
            self.upkeep.heartbeat()
            if beat % _BEATS_A_SWEEP:
                self.upkeep.sweep()


def _trace(batch: Batch) -> None:
    with bind_request(clean_request_id(batch.request_id)):
        log.debug("forwarded", video_id=batch.video_id, last_seq=batch.last_seq)
