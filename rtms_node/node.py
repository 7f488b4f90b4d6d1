"""A node without its edges: hub, reader, probes and the clock that drives them.

The node's process puts its listeners and a wiring around it, the single process puts its own store
and sink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import CollectorRegistry

from rtms_node.antientropy import ProbeSchedule, ProbeTimes
from rtms_node.context import Surroundings
from rtms_node.feed import Feed
from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.metrics import export_core, post_to_write
from rtms_node.reader import Source, StoreReader
from rtms_node.stats import Stats
from service.failpoints import Failpoint, reach
from service.logs import bind_request, clean_request_id
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.internal import Batch

log = structlog.get_logger()

_BEAT_S = 0.5
_SWEEP_S = 1.0
_PROBE_S = 0.25
_PROBE_AGAIN_S = 0.5


class NodeCore:
    """Build it on the running loop; `start` begins to keep time, `close` ends every stream."""

    def __init__(
        self,
        node_id: str,
        limits: Limits,
        probe_times: ProbeTimes,
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
        self._probes = ProbeSchedule(probe_times)
        self.stats = Stats()
        self.reader = StoreReader(source, tasks, on_reachable, limits.retry_read_s)
        surroundings = Surroundings(
            node_id, self._loop, limits, self.stats, self.reader, post_to_write(registry)
        )
        self.hub = Hub(surroundings, self.reader, self, self._on_active)
        export_core(registry, self.stats, self.hub, self.reader)

    def start(self) -> None:
        """Begin to read heads, beat, sweep and probe."""
        self.reader.start()
        self._tasks.spawn(self._every(_BEAT_S, self.hub.heartbeat), "heartbeat")
        self._tasks.spawn(self._every(_SWEEP_S, self.hub.sweep), "sweep")
        self._tasks.spawn(self._every(_PROBE_S, self._probe_due), "probe")

    def close(self) -> None:
        """End every stream at once."""
        self.hub.close()

    def take_message(self, batches: Sequence[Batch]) -> list[str]:
        """A message with comments has come, whoever sent it; returns the videos in it that this
        node does not serve.
        """
        reach(Failpoint.NODE_BEFORE_APPEND)
        self.stats.messages += 1
        unwanted = []
        for batch in batches:
            with bind_request(clean_request_id(batch.request_id)):
                log.debug("forwarded", video_id=batch.video_id, last_seq=batch.last_seq)
                note(Stage.FORWARDED, batch.accepted_at)
                if not self.hub.ingest(batch):
                    unwanted.append(batch.video_id)
        return unwanted

    def announced(self, video_id: str) -> None:
        """The feed has made our interest known: what was posted just before is found by a probe
        now, and once more for what was on its way to the old route, or newer than the head that a
        writer remembered.
        """
        self.hub.probe(video_id)
        self._loop.call_later(_PROBE_AGAIN_S, self.hub.probe, video_id)

    def probe_fast(self, fast: bool) -> None:
        """Whether comments may miss their way (ZooKeeper or Redis away): probe all videos often."""
        self._probes.set_fast(fast, self._loop.time())

    @property
    def queues(self) -> dict[str, int]:
        """What waits where."""
        return {
            "heads": self.reader.heads_waiting,
            "ranges": self.reader.ranges_waiting,
            "paused_viewers": self.hub.paused_viewers,
        }

    # Feed of the hub: probes and the real feed follow the same videos

    def join(self, video_id: str) -> None:
        """See Feed."""
        self._probes.add(video_id, self._loop.time())
        self._feed.join(video_id)

    def leave(self, video_id: str) -> None:
        """See Feed."""
        self._probes.discard(video_id)
        self._feed.leave(video_id)

    def _on_active(self, video_id: str) -> None:
        self._probes.hasten(video_id, self._loop.time())

    def _probe_due(self) -> None:
        rooms = self.hub.rooms
        due = self._probes.take_due(
            self._loop.time(), lambda video_id: rooms[video_id].active_at, self._slice_size
        )
        for video_id in due:
            self.hub.probe(video_id)
        if len(due) == self._slice_size:
            self._loop.call_soon(self._probe_due)

    async def _every(self, interval_s: float, act: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(interval_s)
            act()
