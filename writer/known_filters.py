"""Filters of videos, compiled: kept while posts are screened by them.

Invariants: what is kept takes MAX_KNOWN_BYTES at most, and who was not asked for longest makes room
(one set of filters is always far below). Videos with the same terms share one set: many sites have
one list for all. One set is compiled at a time, on a thread of its own: large ones take 0.3 s, and
posts and reads of other videos go on meanwhile. Of one video one read is under way, which all share
who wait for it. Who waits for the thread is bounded by COMPILING.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from screening.filters import Filters
from wire.errors import StoreUnavailable
from writer.metrics import WriterMetrics
from writer.read_lanes import LaneBounds, ReadLane
from writer.recent_values import RecentValues

MAX_KNOWN_BYTES = 256 << 20  # 128 lists of words, or 6 of the largest filters there can be
MAX_KNOWN_VIDEOS = 100_000  # whose version is kept: some 30 MB
COMPILING = LaneBounds(at_once=1, max_waiting=100, wait_s=3.0)
_READ_ANEW = 5  # filters that change faster than that are not kept up with

Versioned = tuple[int, Filters]
NO_FILTERS: Versioned = (0, Filters(()))


class KnownFilters:
    """fetch_version, fetch_body: as the store has them; both may raise StoreUnavailable.
    Who finds no turn to compile is counted as a read of lane `filters` that was refused.
    """

    def __init__(
        self,
        fetch_version: Callable[[str], Awaitable[int]],
        fetch_body: Callable[[str], Awaitable[tuple[int, bytes]]],
        metrics: WriterMetrics,
        max_bytes: int = MAX_KNOWN_BYTES,
    ) -> None:
        self._fetch_version, self._fetch_body = fetch_version, fetch_body
        self._max_bytes, self._bytes = max_bytes, 0
        self._compiled: OrderedDict[bytes, Filters] = OrderedDict()  # by their terms
        self._known = RecentValues[str, tuple[int, bytes]](MAX_KNOWN_VIDEOS)
        self._loading: dict[str, asyncio.Task[None]] = {}
        refused = metrics.reads_refused
        self._lane = ReadLane(COMPILING, lambda reason: refused.labels("filters", reason).inc())
        self._evicted = metrics.filters_evicted
        # Not `to_thread`: a caller who has gone frees its turn, and its work goes on.
        self._thread = ThreadPoolExecutor(1, "filters")

    def find(self, video_id: str) -> Versioned:
        """The newest ones that are known here, which may be no longer those that count."""
        known = self._known.get(video_id)
        if known is None:  # as most videos: on the path of every post
            return NO_FILTERS
        version, terms = known
        filters = self._compiled.get(terms)
        if filters is None:
            return NO_FILTERS
        self._compiled.move_to_end(terms)
        return version, filters

    async def fetch(self, video_id: str) -> Versioned:
        """Those that count now. Raises StoreUnavailable, Overloaded."""
        for _ in range(_READ_ANEW):
            version = await self._fetch_version(video_id)
            known = self.find(video_id)
            if known[0] == version:
                return known
            await self._load_once(video_id)
        raise StoreUnavailable("the video's filters change too fast")

    async def compile(self, body: bytes) -> Filters:
        """As Filters.parse. Raises Overloaded too."""
        async with self._lane.turn():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, Filters.parse, body)

    def learn(self, video_id: str, version: int, filters: Filters) -> None:
        """These are, or were, the filters of a video; older ones than are known are ignored."""
        self._note(video_id, version, _digest(filters.encode()), filters)

    def _note(self, video_id: str, version: int, terms: bytes, filters: Filters) -> None:
        if version <= self.find(video_id)[0]:
            return
        self._known.put(video_id, (version, terms))
        if terms not in self._compiled:
            self._compiled[terms] = filters
            self._bytes += filters.max_bytes
        self._compiled.move_to_end(terms)
        while self._bytes > self._max_bytes:
            _, dropped = self._compiled.popitem(last=False)
            self._bytes -= dropped.max_bytes
            self._evicted.inc()

    async def _load_once(self, video_id: str) -> None:
        task = self._loading.get(video_id)
        if task is None:
            task = self._loading[video_id] = asyncio.ensure_future(self._load(video_id))
            task.add_done_callback(lambda done: self._loaded(video_id, done))
        await asyncio.shield(task)

    async def _load(self, video_id: str) -> None:
        version, body = await self._fetch_body(video_id)
        if version:
            terms = _digest(body)
            filters = self._compiled.get(terms) or await self.compile(body)
            self._note(video_id, version, terms, filters)

    def _loaded(self, video_id: str, task: asyncio.Task[None]) -> None:
        del self._loading[video_id]
        if not task.cancelled():
            task.exception()  # seen, also when everybody who waited has gone


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
