"""A writer on Cassandra without its listener: the comment service, group commit and the store are
real; posts are calls, and what is committed is handed over to nobody.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import uvloop

from bench.child import BenchFailed, carry_out_all_on_loop, cpu_s
from bench.figures import percentile
from bench.writer_server import Nobody
from service.collector import collect_rarely
from service.logs import configure_logs
from service.metrics import new_registry
from service.tasks import TaskHome
from wire.comment import NewComment
from wire.errors import LivecommentsError, StoreUnavailable
from writer.cassandra.config import CassandraConfig, Endpoint
from writer.cassandra.store import CassandraStore
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.store import Outcome

KEYSPACE = "bench"
COMMENT = NewComment(author="Ann", text="What a goal! " + "x" * 80)
_OPEN_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Appends:
    """What a run of appends came to. count: of those that were accepted; took_s: until the last
    answer; p50_ms, p99_ms: of one append, from the call to its answer; cpu_s: of the process that
    made them.
    """

    count: int
    refused: int
    took_s: float
    p50_ms: float
    p99_ms: float
    cpu_s: float

    @classmethod
    def of(cls, times_s: Sequence[float], refused: int, took_s: float, cpu_s_: float) -> Appends:
        """`times_s`: of those that were accepted. Raises BenchFailed if none was."""
        if not times_s:
            raise BenchFailed("nothing was accepted")
        p50, p99 = (percentile(times_s, percent) * 1e3 for percent in (50, 99))
        return cls(len(times_s), refused, took_s, p50, p99, cpu_s_)


def config_of(servers: Sequence[Endpoint]) -> CassandraConfig:
    """A keyspace with a copy on each of `servers`."""
    return CassandraConfig(tuple(servers), keyspace=KEYSPACE, replication=len(servers))


class CassandraWriter:
    """Handlers of the process."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._store: CassandraStore | None = None
        self._comments: CommentService | None = None

    async def open(self, servers: Sequence[Endpoint]) -> None:
        """Make the keyspace and link to it. Raises BenchFailed."""
        self._store = store = CassandraStore(config_of(servers))
        metrics = WriterMetrics(new_registry())
        self._comments = CommentService(store, Nobody(), TaskHome(), metrics)
        await self._comments.start()
        deadline = time.monotonic() + _OPEN_WITHIN_S
        while True:
            try:
                await store.epoch()
                return
            except StoreUnavailable as exc:
                if time.monotonic() > deadline:
                    raise BenchFailed(f"the store does not open: {exc.detail}") from exc
            await asyncio.sleep(_LOOK_EVERY_S)

    async def append(self, videos: int, posters: int, with_keys: bool, for_s: float) -> Appends:
        """Posters over all videos in turn; each posts again as soon as it is answered. Raises
        BenchFailed if the store does not hold what was accepted. What became of a comment that was
        refused is unknown.
        """
        assert self._comments is not None
        names = [f"video-{number}" for number in range(videos)]
        before, cpu_before = await self._stored(names), cpu_s()
        began, times_s = time.monotonic(), list[float]()
        refused = await asyncio.gather(
            *(
                self._post_until(began + for_s, names[number % videos], with_keys, times_s)
                for number in range(posters)
            )
        )
        done = Appends.of(times_s, sum(refused), time.monotonic() - began, cpu_s() - cpu_before)
        await self._comments.drain()  # groups whose posters were refused may be under way
        stored = await self._stored(names) - before
        if not done.count <= stored <= done.count + done.refused:
            raise BenchFailed(f"{done.count} comments were accepted, {stored} are stored")
        return done

    async def _post_until(
        self, end: float, video_id: str, with_keys: bool, times_s: list[float]
    ) -> int:
        """How many were refused."""
        assert self._comments is not None
        refused = 0
        while (began := time.monotonic()) < end:
            key = f"key-{next(self._numbers)}" if with_keys else None
            try:
                result = await self._comments.post(video_id, COMMENT, key)
            except LivecommentsError:
                refused += 1
                await asyncio.sleep(_LOOK_EVERY_S)  # as somebody would who comes again
                continue
            if result.outcome is not Outcome.NEW:
                raise BenchFailed(f"a post was answered with {result.outcome}")
            times_s.append(time.monotonic() - began)
        return refused

    async def _stored(self, names: Sequence[str]) -> int:
        assert self._store is not None
        pages = await asyncio.gather(*(self._store.recent(name, 1) for name in names))
        return sum(page.head for page in pages)


async def _serve(pipe: Any) -> None:
    configure_logs(level="critical", style="json", role="writer", id="writer-1")
    writer = CassandraWriter()
    await carry_out_all_on_loop(pipe, {"open": writer.open, "append": writer.append})


def run(pipe: Any) -> None:
    """The process."""
    collect_rarely()
    uvloop.run(_serve(pipe))
