"""A node without HTTPS and ZooKeeper: a Node and its public listener on uvloop, its store in
memory; comments are ingested at a given rate as if they had been forwarded.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import Any

import msgspec
import uvloop

from bench.child import BenchFailed, at_rate_on_loop, carry_out_all_on_loop, cpu_s, rss_bytes
from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.limits import Limits
from rtms_node.node import Node
from rtms_node.stream_listener import StreamListener
from rtms_node.testing import MemorySource
from rtms_node.viewer_total import TOLD_EVERY_S
from service import stages
from service.edge import PublicEdge
from service.logs import configure_logs
from service.metrics import new_registry
from service.tasks import TaskHome
from wire.entry import Removed, RemovedBy, is_comment
from wire.internal import Batch

# With this text a frame has about 250 bytes.
TEXT = "What a goal! " + "x" * 80
_STILL_S = 5.0  # without a write, and no more will come
_LOOK_EVERY_S = 0.005
_CHANGE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of comments cost, all that a node does beside it included.

    took_s: until the last write, to some milliseconds; missed: deliveries that never came, because
    a viewer was behind all that is kept; delays_ms: of each comment, from when it was due until the
    end of its round of writes.
    """

    cpu_s: float
    took_s: float
    deliveries: int
    writes: int
    missed: int
    delays_ms: tuple[float, ...]


class _Store(MemorySource):
    """Comments are made beforehand, so that making them is not measured, and are in the store when
    they are handed over: what is there before, an anti-entropy check would find and deliver.
    """

    def __init__(self) -> None:
        super().__init__()
        self.handed_over: dict[str, int] = {}

    def head(self, video_id: str) -> int:
        """See MemorySource."""
        return self.handed_over.get(video_id, 0)


class _NoFeed:
    """There is nobody to tell."""

    def subscribe(self, video_id: str) -> None:
        """See Feed."""

    def unsubscribe(self, video_id: str) -> None:
        """See Feed."""


class NodeServer:
    """Handlers of the process."""

    def __init__(self) -> None:
        self.store = _Store()
        self.node = Node(
            "node-1",
            Limits(),
            AntiEntropyTimes(),
            self.store,
            _NoFeed(),
            TaskHome(),
            new_registry(),
            on_reachable=lambda reachable: None,
        )
        self._listener = StreamListener(self.node.hub, PublicEdge(), "127.0.0.1", 0)
        self._changing: asyncio.TimerHandle | None = None
        self._counted = 0

    async def start(self) -> None:
        """Bind and keep time."""
        self.node.start()
        await self._listener.start()

    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    def rss(self) -> int:
        """Resident bytes."""
        gc.collect()
        return rss_bytes()

    def sample(self, video_id: str) -> bytes:
        """The public JSON of a comment no longer than those that will be posted; it belongs to
        another video.
        """
        return bytes(self.store.post(f"{video_id[:-1]}_", text=TEXT).comments[0])

    async def post(self, video_ids: str | list[str], per_s: float, count: int) -> Load:
        """Ingest comments, over all videos in turn, and wait until every viewer's were written.
        Raises BenchFailed if some never are.
        """
        names = [video_ids] if isinstance(video_ids, str) else video_ids
        return _whole(await self.overload(names, per_s, count))

    async def remove(self, video_id: str, per_s: float, count: int) -> Load:
        """As `post`, but what is ingested are the removals of as many of the newest comments, one
        by one.
        """
        run = _Run(self, [video_id], per_s, count, removes=True)
        await at_rate_on_loop(per_s, count, run.act)
        await run.wait_written()
        return _whole(run.load())

    def change_counts(self, video_id: str, changing: bool) -> None:
        """Have it told, as often as may be, that another number watches; or stop that."""
        if self._changing is not None:
            self._changing.cancel()
            self._changing = None
        if changing:
            self._counted += 1_000
            self.node.hub.rooms[video_id].total.learn(self._counted, self._counted)
            loop = asyncio.get_running_loop()
            self._changing = loop.call_later(_CHANGE_EVERY_S, self.change_counts, video_id, True)

    async def tell_count(self, video_id: str) -> float:
        """CPU seconds to tell all viewers of a room once, while nobody comments. Raises BenchFailed
        if not all were.
        """
        await asyncio.sleep(TOLD_EVERY_S)
        stats, total = self.node.stats, self.node.hub.rooms[video_id].total
        wanted = stats.viewer_writes + len(self.node.hub.rooms[video_id].viewers)
        self._counted += 1_000
        began = cpu_s()
        total.learn(self._counted, self._counted)
        await asyncio.sleep(TOLD_EVERY_S)
        if stats.viewer_writes < wanted:
            raise BenchFailed(f"{wanted - stats.viewer_writes} viewers were not told")
        return cpu_s() - began

    async def overload(self, video_ids: list[str], per_s: float, count: int) -> Load:
        """The same with more than may be delivered: a viewer that is behind the ring gets a `gap`
        in place of comments.
        """
        run = _Run(self, video_ids, per_s, count)
        await at_rate_on_loop(per_s, count, run.act)
        await run.wait_written()
        return run.load()

    async def post_steadily(self, video_ids: list[str], per_s: float, count: int) -> Load:
        """Three times `count` comments as by `post`; what is told is of the last two thirds, and of
        just as many seconds as these are due in. So no room begins silent, and what a node does at
        fixed times (a heartbeat to silent rooms) is in it as often as it should be.
        """
        run = _Run(self, video_ids, per_s, 3 * count)
        began = time.monotonic()

        def act(number: int) -> None:
            if number == count:
                run.begin()
            run.act(number)

        await at_rate_on_loop(per_s, 3 * count, act)
        await run.wait_written()
        await asyncio.sleep(max(began + 3 * count / per_s - time.monotonic(), 0.0))
        return _whole(run.load())


class _Run:
    """Comments that are handed over one by one, and what that has cost since `begin`."""

    def __init__(
        self,
        server: NodeServer,
        names: list[str],
        per_s: float,
        count: int,
        *,
        removes: bool = False,
    ) -> None:
        self._stats, self._per_s, self._count = server.node.stats, per_s, count
        self._store = server.store
        self._rooms = [server.node.hub.rooms[name] for name in names]
        sizes = [len(room.viewers) for room in self._rooms]
        self._expected = self._stats.deliveries + sum(sizes[i % len(sizes)] for i in range(count))
        say = self._remove if removes else self._post
        self._batches = [say(names[i % len(names)]) for i in range(count)]
        self.begin()
        self._due_s = time.time()

    def begin(self) -> None:
        """What it costs from now on is counted."""
        stages.take()
        self._deliveries, self._writes = self._stats.deliveries, self._stats.writes
        self._cpu_s = cpu_s()
        self._began = self._written_at = time.monotonic()

    def act(self, number: int) -> None:
        """Hand over one comment."""
        batch = self._batches[number]
        self._store.handed_over[batch.video_id] = batch.last_seq
        due = msgspec.structs.replace(batch, accepted_at=self._due_s + number / self._per_s)
        self._rooms[number % len(self._rooms)].ingest(due)

    def _post(self, video_id: str) -> Batch:
        return self._store.post(video_id, text=TEXT)

    def _remove(self, video_id: str) -> Batch:
        """Of the newest comment that is left."""
        head = MemorySource.head(self._store, video_id)
        seqs = range(head, 0, -1)
        newest = next(seq for seq in seqs if is_comment(self._store.find_raw(video_id, seq)))
        return self._store.remove(video_id, Removed((newest,), RemovedBy.MODERATOR))

    async def wait_written(self) -> None:
        """Wait until every viewer's comments were written, or nothing more is for some time."""
        written = -1
        while self._stats.deliveries < self._expected:
            now = time.monotonic()
            if written != self._stats.deliveries:
                written, self._written_at = self._stats.deliveries, now
            elif now > self._written_at + _STILL_S:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        self._written_at = time.monotonic()

    def load(self) -> Load:
        """What it was until now."""
        return Load(
            cpu_s() - self._cpu_s,
            self._written_at - self._began,
            self._stats.deliveries - self._deliveries,
            self._stats.writes - self._writes,
            self._expected - self._stats.deliveries,
            tuple((at - due) * 1e3 for _stage, due, at, _id in stages.take()),
        )


def _whole(load: Load) -> Load:
    if load.missed:
        raise BenchFailed(f"{load.missed} comments were not delivered")
    return load


async def _serve(pipe: Any) -> None:
    configure_logs(level="warning", style="json", role="node", id="node-1")
    stages.keep(True)
    server = NodeServer()
    await server.start()
    await carry_out_all_on_loop(
        pipe,
        {
            "port": server.port,
            "rss": server.rss,
            "sample": server.sample,
            "post": server.post,
            "remove": server.remove,
            "change_counts": server.change_counts,
            "tell_count": server.tell_count,
            "overload": server.overload,
            "post_steadily": server.post_steadily,
        },
    )


def run(pipe: Any) -> None:
    """The process."""
    uvloop.run(_serve(pipe))
