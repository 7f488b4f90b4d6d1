"""Which nodes serve a video, without asking ZooKeeper per comment.

Invariants: what to read is decided by the table (`routing_table.py`); here it is read. A watch
event says "read again" and nothing more. While ZooKeeper is away the last known routes are the
answer and nothing new is taken up. Two kinds of reading:
- one by one, with a watch: a route asked for the first time, after an event, a node's "not
  serving", and all of them after a reconnection (their watches are gone);
- many at a time, without a watch: the stale routes when there are many (a reconnection, a node that
  died with all its videos), which makes them right long before the watches are back; and all of
  them, slowly, for ever after, in case an event was lost.
The watch of a route that is forgotten is removed, before other routes are read: ZooKeeper and kazoo
keep no more of them than there are routes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from coordination.errors import CoordinationError, NoNode, OutcomeUnknown, RouteUnknown
from coordination.paths import Paths, node_ids
from coordination.routing_table import RoutingTable
from coordination.session import ZooKeeperSession
from coordination.sweeper import Sweeper

MAX_READS = 64  # and removals of watches, at a time; leaves room in the session for others
COMPARE_EVERY_S = 30.0
_CHUNK = 250
_MIN_PAUSE_S = 0.05  # at most 5,000 routes a second are compared
_BURST = 250  # when so many routes are stale they are compared at once,
_CHUNKS_AT_ONCE = 8
_BURST_PAUSE_S = 0.25  # but at most this often, and at most half of the time
_ATTEMPTS = 3


@dataclass(slots=True)
class ResolverStats:
    """Counters since the start."""

    reads: int = 0
    failed_reads: int = 0
    events: int = 0
    compared: int = 0
    differences: int = 0  # found by comparing, not by an event: an event was lost
    junk: int = 0
    unwatched: int = 0  # watches of forgotten routes that were removed


class RouteResolver:
    """Routes in memory, kept right by watches. `run` (a background task) does the reading."""

    def __init__(
        self,
        session: ZooKeeperSession,
        *,
        paths: Paths | None = None,
        table: RoutingTable | None = None,
        compare_every_s: float = COMPARE_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._paths = paths or Paths()
        self._table = RoutingTable() if table is None else table
        self._compare_every_s = compare_every_s
        self._clock = clock
        self._sweeper = Sweeper(session, paths=self._paths)
        self._waiters: defaultdict[str, set[asyncio.Future[frozenset[str]]]] = defaultdict(set)
        self._wake = asyncio.Event()
        self._burst = asyncio.Event()
        self._connection = 0  # a read of an earlier one says nothing about watches
        self._under_way = 0  # reads with a watch, and removals of watches
        self.stats = ResolverStats()
        session.on_connected(self._connected)
        session.on_suspended(self._suspended)
        session.on_event(self._paths.videos + "/", self._event_came)

    @property
    def routes(self) -> int:
        """How many routes are in memory."""
        return len(self._table)

    @property
    def stale(self) -> int:
        """How many of them wait to be read (again)."""
        return self._table.stale

    @property
    def evicted(self) -> int:
        """How many were forgotten, unused or for want of room."""
        return self._table.evicted

    @property
    def leaving(self) -> int:
        """How many forgotten routes still have a watch."""
        return self._table.leaving

    def find(self, video_id: str) -> frozenset[str] | None:
        """The node ids of a video (maybe none), None if the route is not known. Memory only."""
        return self._table.find(video_id, self._clock())

    def peek(self, video_id: str) -> frozenset[str] | None:
        """As `find`, for those who only look: it does not count as use."""
        return self._table.peek(video_id)

    async def resolve(self, video_id: str, timeout_s: float = 2.0) -> frozenset[str]:
        """As `find`, but reads an unknown route (one shared read for all who ask); raises
        RouteUnknown when ZooKeeper is away or does not answer in time.
        """
        nodes = self.find(video_id)
        if nodes is not None:
            return nodes
        if not self._session.connected:
            raise RouteUnknown("ZooKeeper is away")
        waiter: asyncio.Future[frozenset[str]] = asyncio.get_running_loop().create_future()
        self._waiters[video_id].add(waiter)
        self._table.want(video_id, self._clock())
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError as exc:
            raise RouteUnknown(f"not read within {timeout_s} s") from exc
        finally:
            self._leave(video_id, waiter)

    def mark_stale(self, video_id: str) -> None:
        """A node says that it does not serve the video: read the route again soon."""
        self._table.mark_stale(video_id, self._clock())
        self._wake_readers()

    async def run(self) -> None:
        """Read routes when they are asked for or may have changed, until cancelled."""
        if self._session.connected:
            self._connected(True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_comparing())
            tasks.create_task(self._sweeper.run())
            await self._keep_reading(tasks)

    def _connected(self, _new_session: bool) -> None:
        self._connection += 1
        self._table.read_all_again(self._clock())
        self._wake_readers()

    def _wake_readers(self) -> None:
        self._wake.set()
        if self._table.stale >= _BURST:
            self._burst.set()

    def _suspended(self) -> None:
        self._connection += 1
        self._table.connection_lost()
        for waiters in self._waiters.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(RouteUnknown("ZooKeeper is away"))

    def _event_came(self, path: str) -> None:
        video_id = self._paths.video_of(path)
        if video_id is not None:
            self.stats.events += 1
            self.mark_stale(video_id)

    def _leave(self, video_id: str, waiter: asyncio.Future[frozenset[str]]) -> None:
        waiters = self._waiters[video_id]
        waiters.discard(waiter)
        if not waiters:
            del self._waiters[video_id]

    async def _keep_reading(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._wake.clear()
            now = self._clock()
            self._table.evict_idle(now, MAX_READS - self._table.leaving)
            if self._session.connected:
                for video_id in self._table.take_leaving(MAX_READS - self._under_way):
                    self._begin(tasks, self._unwatch(video_id))
                for video_id in self._table.due(now, MAX_READS - self._under_way):
                    self._begin(tasks, self._read(video_id, self._connection))
            await _wait(self._wake, self._idle_s(now))

    def _begin(self, tasks: asyncio.TaskGroup, work: Coroutine[None, None, None]) -> None:
        self._under_way += 1
        tasks.create_task(work).add_done_callback(self._ended)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        self._under_way -= 1
        self._wake.set()

    def _idle_s(self, now: float) -> float | None:
        due_at = self._table.next_due_at()
        if due_at is None or self._under_way >= MAX_READS or not self._session.connected:
            return None  # a reply, an event or a reconnection wakes us
        return max(due_at - now, 0.001)

    async def _read(self, video_id: str, connection: int) -> None:
        try:
            names = await self._fetch(self._paths.video(video_id))
        except CoordinationError:
            self.stats.failed_reads += 1
            if connection == self._connection:
                self._table.failed(video_id, self._clock())
        else:
            if connection == self._connection:
                self._settle(video_id, names)

    async def _unwatch(self, video_id: str) -> None:
        with contextlib.suppress(CoordinationError):  # away: then the watch is gone as well
            await self._session.remove_watches(self._paths.video(video_id))
            self.stats.unwatched += 1

    async def _fetch(self, path: str) -> Sequence[str]:
        """Names below `path`; a watch is left in any case."""
        self.stats.reads += 1
        for _ in range(_ATTEMPTS):
            try:
                return await self._session.get_children(path, watch=True)
            except NoNode:  # and get_children has left no watch: wait for the znode to come
                if await self._session.exists(path, watch=True) is None:
                    return ()
        raise OutcomeUnknown("the znode comes and goes")

    def _settle(self, video_id: str, names: Sequence[str]) -> None:
        nodes, junk = node_ids(names)
        self.stats.junk += junk
        self._table.read(video_id, nodes, self._clock())
        for waiter in self._waiters.get(video_id, ()):
            if not waiter.done():
                waiter.set_result(nodes)

    async def _keep_comparing(self) -> None:
        while True:
            await self._compare_all()
            while self._burst.is_set():
                self._burst.clear()
                started = self._clock()
                chunks = _chunks(self._table.stale_videos())
                for start in range(0, len(chunks), _CHUNKS_AT_ONCE):
                    together = chunks[start : start + _CHUNKS_AT_ONCE]
                    await asyncio.gather(*(self._compare(chunk) for chunk in together))
                await asyncio.sleep(max(_BURST_PAUSE_S, self._clock() - started))

    async def _compare_all(self) -> None:
        """One slow round over all routes, given up when there is a burst."""
        videos = self._table.videos()
        pause_s = max(_MIN_PAUSE_S, self._compare_every_s * _CHUNK / max(len(videos), _CHUNK))
        for chunk in _chunks(videos) or [[]]:
            await self._compare(chunk)
            if await _wait(self._burst, pause_s):
                return

    async def _compare(self, videos: Sequence[str]) -> None:
        if not videos:
            return
        connection = self._connection
        try:
            found = await self._session.get_children_of_many(
                [self._paths.video(video_id) for video_id in videos]
            )
        except CoordinationError:
            return
        if connection != self._connection:
            return
        self.stats.compared += len(videos)
        for video_id, names in zip(videos, found, strict=True):
            nodes, _ = node_ids(names or ())
            self.stats.differences += self._table.compare(video_id, nodes, self._clock())
            if self._table.leaving < _CHUNK:  # reads wait for the removals: for 0.1 s at most
                self._table.evict_empty(video_id, self._clock())
        self._wake.set()


async def _wait(event: asyncio.Event, timeout_s: float | None) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _chunks(videos: list[str]) -> list[list[str]]:
    return [videos[start : start + _CHUNK] for start in range(0, len(videos), _CHUNK)]
