"""Group commit: what arrived for a video during one commit is the next one.

Invariants
- A video has at most one group at the store, so its comments keep the order in which they arrived
  here. Different videos do not wait for one another.
- No timer: the first comment of an idle video is committed at once; under load groups grow to
  MAX_GROUP by themselves.
- Nobody is told "stored" before the commit, and only then is anything handed to the sink.
- A caller that goes away is left out of groups that have not begun; it never stops one that has.
- Bounds: `max_waiting` comments in all and `max_waiting_per_video`, those at the store included;
  beyond them Overloaded. A caller waits `deadline_s` at most; what became of its comment is then
  unknown, and the same key may be sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from service.failpoints import Failpoint, reach
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.comment import NewComment, timestamp
from wire.errors import Overloaded, StoreUnavailable
from wire.internal import MAX_BATCH, Batch
from writer.metrics import WriterMetrics
from writer.sink import CommentSink
from writer.store import MAX_GROUP, Appended, CommentStore, Item, Outcome

log = structlog.get_logger()

assert MAX_GROUP <= MAX_BATCH, "a group must fit into one batch"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what waits for the store."""

    max_waiting: int = 10_000
    max_waiting_per_video: int = 5_000
    deadline_s: float = 5.0


class Post(msgspec.Struct, frozen=True):
    """One comment on its way to the store."""

    comment: NewComment
    key: str | None
    request_id: str
    accepted_at: float
    done: asyncio.Future[Appended]


class _Lane:
    """One video: who waits for the next group, and how many are at the store."""

    __slots__ = ("at_store", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Post] = deque()
        self.at_store = 0


class GroupCommit:
    """Owns the lanes; one task for each video that has something to commit."""

    def __init__(
        self,
        store: CommentStore,
        sink: CommentSink,
        tasks: TaskHome,
        metrics: WriterMetrics,
        *,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._sink, self._tasks, self._metrics = store, sink, tasks, metrics
        self._limits, self._now = limits or Limits(), now
        self._lanes: dict[str, _Lane] = {}
        self._waiting = 0
        # Who waits until when, first come first: the deadline is the same for all.
        self._due: dict[asyncio.Future[Appended], float] = {}
        self._timer: asyncio.TimerHandle | None = None  # of the first of them, or of an earlier one
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """Comments that wait for a commit, those at the store included."""
        return self._waiting

    @property
    def videos(self) -> int:
        """Videos with something to commit."""
        return len(self._lanes)

    async def post(
        self, video_id: str, comment: NewComment, key: str | None, request_id: str = ""
    ) -> Appended:
        """Store one comment; returns after the commit.

        Raises Overloaded when too much waits, StoreUnavailable when the commit failed or did not
        come in time.
        """
        done = self._enqueue(video_id, comment, key, request_id)
        # No timeout of its own: one timer for all, since this is on the path of every post.
        loop = asyncio.get_running_loop()
        due = self._due[done] = loop.time() + self._limits.deadline_s
        if self._timer is None:
            self._timer = loop.call_at(due, self._expire_due)
        try:
            return await done
        finally:
            del self._due[done]

    async def wait_idle(self) -> None:
        """Wait until nothing waits for a commit."""
        await self._idle.wait()

    def _enqueue(
        self, video_id: str, comment: NewComment, key: str | None, request_id: str
    ) -> asyncio.Future[Appended]:
        lane = self._lanes.get(video_id)
        ahead = len(lane.waiting) + lane.at_store if lane else 0
        if self._waiting >= self._limits.max_waiting:
            raise self._overloaded("queue_full")
        if ahead >= self._limits.max_waiting_per_video:
            raise self._overloaded("video_queue_full")
        if lane is None:
            lane = self._lanes[video_id] = _Lane()
            self._tasks.spawn(self._run(video_id, lane), "commit")
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        lane.waiting.append(Post(comment, key, request_id, self._now(), done))
        self._waiting += 1
        self._idle.clear()
        return done

    def _expire_due(self) -> None:
        self._timer, loop = None, asyncio.get_running_loop()
        now = loop.time()
        for done, due in self._due.items():
            if due > now:
                self._timer = loop.call_at(due, self._expire_due)
                return
            if not done.done():
                self._metrics.refused.labels("deadline").inc()
                done.set_exception(StoreUnavailable("the commit did not end in time"))

    def _overloaded(self, reason: str) -> Overloaded:
        self._metrics.refused.labels(reason).inc()
        return Overloaded()

    async def _run(self, video_id: str, lane: _Lane) -> None:
        try:
            while lane.waiting:
                group = self._take(lane)
                if group:
                    await self._commit(video_id, group)
                    self._release(lane, len(group))
        finally:  # something is left only if the service stops or a bug ends this task
            del self._lanes[video_id]
            _fail(lane.waiting, StoreUnavailable("not committed: stopping"))
            self._release(lane, len(lane.waiting) + lane.at_store)

    def _take(self, lane: _Lane) -> list[Post]:
        taken = [lane.waiting.popleft() for _ in range(min(len(lane.waiting), MAX_GROUP))]
        group = [post for post in taken if not post.done.done()]
        lane.at_store = len(group)
        self._count_down(len(taken) - len(group))
        return group

    def _release(self, lane: _Lane, count: int) -> None:
        lane.at_store = 0
        self._count_down(count)

    def _count_down(self, count: int) -> None:
        self._waiting -= count
        if self._waiting == 0:
            self._idle.set()

    async def _commit(self, video_id: str, group: Sequence[Post]) -> None:
        begun = time.monotonic()
        created_at = timestamp(self._now())
        items = [Item(post.comment, post.key, created_at) for post in group]
        reach(Failpoint.WRITER_BEFORE_COMMIT)
        try:
            epoch = await self._store.epoch()
            results = await self._store.append(video_id, items)
        except StoreUnavailable as exc:
            self._metrics.store_failures.labels("append").inc()
            self._metrics.refused.labels("store").inc(len(group))
            _fail(group, exc)
            return
        except BaseException:
            _fail(group, StoreUnavailable("commit outcome unknown; retry with the same key"))
            raise
        reach(Failpoint.WRITER_AFTER_COMMIT)
        self._metrics.observe_commit(time.monotonic() - begun)
        self._metrics.observe_group(len(group))
        self._count_outcomes(results)
        for batch in _batches(video_id, epoch, group, results):
            _log_stored(batch)
            note(Stage.COMMITTED, batch.accepted_at, batch.request_id)
            self._sink.offer(batch)
        reach(Failpoint.WRITER_BEFORE_REPLY)
        for post, result in zip(group, results, strict=True):
            _tell(post, result)

    def _count_outcomes(self, results: Sequence[Appended]) -> None:
        outcomes = [result.outcome for result in results]
        new, replayed = outcomes.count(Outcome.NEW), outcomes.count(Outcome.REPLAYED)
        undecided = outcomes.count(Outcome.UNDECIDED)
        conflicts = len(outcomes) - new - replayed - undecided
        self._metrics.accepted.inc(new)
        if replayed or conflicts:  # hardly ever, and a counter takes a lock
            self._metrics.replayed.inc(replayed)
            self._metrics.conflicts.inc(conflicts)
        if undecided:
            self._metrics.refused.labels("store").inc(undecided)


def _tell(post: Post, result: Appended) -> None:
    if post.done.done():
        return
    if result.outcome is Outcome.UNDECIDED:
        post.done.set_exception(
            StoreUnavailable("not stored: its idempotency key could not be looked up in time")
        )
    else:
        post.done.set_result(result)


def _fail(posts: Sequence[Post] | deque[Post], error: Exception) -> None:
    for post in posts:
        if not post.done.done():
            post.done.set_exception(error)


def _log_stored(batch: Batch) -> None:
    log.debug(
        "stored",
        video_id=batch.video_id,
        first_seq=batch.first_seq,
        last_seq=batch.last_seq,
        request_id=batch.request_id,
    )


def _batches(
    video_id: str, epoch: str, group: Sequence[Post], results: Sequence[Appended]
) -> list[Batch]:
    """What the sink gets: the new comments in runs of consecutive numbers (one run, unless the
    store cut the group in two), and each replayed one once (its first hand-over may have died with
    another writer).
    """

    def batch(posts: Sequence[tuple[Post, Appended]]) -> Batch:
        (post, first), raws = posts[0], tuple(msgspec.Raw(result.raw) for _, result in posts)
        return Batch(video_id, epoch, first.seq, raws, post.accepted_at, post.request_id)

    pairs = list(zip(group, results, strict=True))
    new = [pair for pair in pairs if pair[1].outcome is Outcome.NEW]
    handed_over = {result.seq for _, result in new}
    runs: list[list[tuple[Post, Appended]]] = []
    for pair in new:
        if not runs or pair[1].seq != runs[-1][-1][1].seq + 1:
            runs.append([])
        runs[-1].append(pair)
    batches = [batch(run) for run in runs]
    for pair in pairs:
        if pair[1].outcome is Outcome.REPLAYED and pair[1].seq not in handed_over:
            handed_over.add(pair[1].seq)
            batches.append(batch([pair]))
    return batches
