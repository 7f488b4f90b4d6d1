"""Group commit: what arrived for a video during one commit is the next one.

Invariants
- A video has at most one group at the store, so its comments keep the order in which they arrived
  here. Different videos do not wait for one another.
- No timer: the first comment of an idle video is committed at once; under load groups grow to
  MAX_GROUP by themselves. A decree (see `writer.lane`) keeps its place among them, and is a
  group by itself.
- Nobody is told "stored" before the commit, and only then is anything handed to the sink.
- A caller that goes away is left out of groups that have not begun; it never stops one that has.
- Bounds: `max_waiting` comments in all and `max_waiting_per_video`, those at the store included;
  beyond them Overloaded. A caller waits `deadline_s` at most; what became of its comment is then
  unknown, and the same key may be sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from service.failpoints import Failpoint, reach
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.comment import NewComment, timestamp
from wire.entry import Removed
from wire.errors import CallerError, Overloaded, StoreUnavailable
from wire.internal import MAX_BATCH, Batch
from writer.batches import batches_of_comments, batches_of_notices
from writer.lane import Decree, Decreed, Lane, Post, fail
from writer.metrics import WriterMetrics
from writer.redaction import Redacted, Redaction
from writer.rules import RULING_NAMES, Ruled, Ruling
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
        self._lanes: dict[str, Lane] = {}
        self._waiting = 0
        # Who waits until when, first come first: the deadline is the same for all.
        self._due: dict[asyncio.Future[Any], float] = {}
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
        result: Appended = await self._wait(self._enqueue(video_id, comment, key, request_id))
        return result

    async def redact(self, video_id: str, redaction: Redaction, request_id: str = "") -> Redacted:
        """Remove or restore comments, after what waits for the video already; as `post`. Raises
        what `CommentStore.redact` raises.
        """
        result: Redacted = await self._wait(self._enqueue(video_id, redaction, None, request_id))
        return result

    async def rule(self, video_id: str, ruling: Ruling, request_id: str = "") -> Ruled:
        """Change the rules of a video; as `redact`. Raises what `CommentStore.rule` raises."""
        result: Ruled = await self._wait(self._enqueue(video_id, ruling, None, request_id))
        return result

    async def wait_idle(self) -> None:
        """Wait until nothing waits for a commit."""
        await self._idle.wait()

    async def _wait(self, done: asyncio.Future[Any]) -> Any:
        # No timeout of its own: one timer for all, since this is on the path of every post.
        loop = asyncio.get_running_loop()
        due = self._due[done] = loop.time() + self._limits.deadline_s
        if self._timer is None:
            self._timer = loop.call_at(due, self._expire_due)
        try:
            return await done
        finally:
            del self._due[done]

    def _enqueue(
        self, video_id: str, what: NewComment | Decree, key: str | None, request_id: str
    ) -> asyncio.Future[Any]:
        lane = self._lanes.get(video_id)
        ahead = len(lane) if lane else 0
        if self._waiting >= self._limits.max_waiting:
            raise self._overloaded("queue_full")
        if ahead >= self._limits.max_waiting_per_video:
            raise self._overloaded("video_queue_full")
        if lane is None:
            lane = self._lanes[video_id] = Lane()
            self._tasks.spawn(self._run(video_id, lane), "commit")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lane.waiting.append(Post(what, key, request_id, self._now(), done))
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

    async def _run(self, video_id: str, lane: Lane) -> None:
        try:
            while lane.waiting:
                group, gone = lane.take()
                self._count_down(gone)
                if group:
                    await self._commit(video_id, group)
                    self._release(lane, len(group))
        finally:  # something is left only if the service stops or a bug ends this task
            del self._lanes[video_id]
            fail(lane.waiting, StoreUnavailable("not committed: stopping"))
            self._release(lane, len(lane))

    def _release(self, lane: Lane, count: int) -> None:
        lane.at_store = 0
        self._count_down(count)

    def _count_down(self, count: int) -> None:
        self._waiting -= count
        if self._waiting == 0:
            self._idle.set()

    async def _commit(self, video_id: str, group: Sequence[Post]) -> None:
        begun = time.monotonic()
        reach(Failpoint.WRITER_BEFORE_COMMIT)
        try:
            epoch = await self._store.epoch()
            results = await self._store_group(video_id, group)
        except StoreUnavailable as exc:
            self._metrics.store_failures.labels("append").inc()
            self._metrics.refused.labels("store").inc(len(group))
            fail(group, exc)
            return
        except CallerError as exc:  # of a decree, which is alone
            fail(group, exc)
            return
        except BaseException:
            fail(group, StoreUnavailable("commit outcome unknown; retry with the same key"))
            raise
        reach(Failpoint.WRITER_AFTER_COMMIT)
        self._metrics.observe_commit(time.monotonic() - begun)
        for batch in self._hand_over(video_id, epoch, group, results):
            _log_stored(batch)
            note(Stage.COMMITTED, batch.accepted_at, batch.request_id)
            self._sink.offer(batch)
        reach(Failpoint.WRITER_BEFORE_REPLY)
        for post, result in zip(group, results, strict=True):
            _tell(post, result)

    async def _store_group(
        self, video_id: str, group: Sequence[Post]
    ) -> Sequence[Appended | Decreed]:
        created_at, first = timestamp(self._now()), group[0].what
        if isinstance(first, Redaction):
            return [await self._store.redact(video_id, first, created_at)]
        if not isinstance(first, NewComment):
            return [await self._store.rule(video_id, first, created_at)]
        items = [Item(post.what, post.key, created_at) for post in group]  # type: ignore[arg-type]
        return await self._store.append(video_id, items)

    def _hand_over(
        self,
        video_id: str,
        epoch: str,
        group: Sequence[Post],
        results: Sequence[Appended | Decreed],
    ) -> list[Batch]:
        if not isinstance(results[0], Appended):
            self._count_decreed(group[0].what, results[0])
            return batches_of_notices(video_id, epoch, group[0], results[0])
        appended: Sequence[Appended] = results  # type: ignore[assignment]
        self._metrics.observe_group(len(group))
        self._count_outcomes(appended)
        return batches_of_comments(video_id, epoch, group, appended)

    def _count_decreed(self, what: NewComment | Decree, decreed: Decreed) -> None:
        if isinstance(decreed, Ruled):
            if decreed.new:
                self._metrics.rulings.labels(RULING_NAMES[type(what)]).inc()
        elif isinstance(decreed.notice, Removed):
            self._metrics.removed.labels(decreed.notice.by).inc(len(decreed.notice.targets))
        elif decreed.notice is not None:
            self._metrics.restored.inc()

    def _count_outcomes(self, results: Sequence[Appended]) -> None:
        outcomes = [result.outcome for result in results]
        new = outcomes.count(Outcome.NEW)
        self._metrics.stored += new
        if new == len(outcomes):  # nearly always
            return
        replayed = outcomes.count(Outcome.REPLAYED)
        undecided = outcomes.count(Outcome.UNDECIDED)
        removed, refused = outcomes.count(Outcome.REMOVED), outcomes.count(Outcome.REFUSED)
        conflicts = len(outcomes) - new - replayed - undecided - removed - refused
        if replayed or conflicts or removed:  # a counter takes a lock
            self._metrics.replayed.inc(replayed + removed)
            self._metrics.conflicts.inc(conflicts)
        if undecided:
            self._metrics.refused.labels("store").inc(undecided)


def _tell(post: Post, result: Appended | Decreed) -> None:
    if post.done.done():
        return
    if isinstance(result, Appended) and result.outcome is Outcome.UNDECIDED:
        post.done.set_exception(
            StoreUnavailable("not stored: its idempotency key could not be looked up in time")
        )
    else:
        post.done.set_result(result)


def _log_stored(batch: Batch) -> None:
    log.debug(
        "stored",
        video_id=batch.video_id,
        first_seq=batch.first_seq,
        last_seq=batch.last_seq,
        request_id=batch.request_id,
    )
