"""The comment management service without its edges: what a writer process and `single` share.

Each kind of read has a lane (see `read_lanes`) and all have one deadline; a store that does not
answer is StoreUnavailable for everybody alike. The service remembers whether the store served the
last write and the last read of heads, for `degraded`: a lane of long reads may be slow while the
store is well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import msgspec

from service.tasks import TaskHome
from wire.comment import NewComment
from wire.entry import COMMENT, TOMBSTONE, entry_type, is_comment
from wire.errors import CommentRemoved, InvalidField, NotFound, StoreUnavailable, Unavailable
from wire.ids import EventId, parse_event_id
from wire.internal import MAX_INTERNAL_BYTES, MAX_RANGE, HeadsReply, RangeReply, State
from writer.group_commit import GroupCommit, Limits
from writer.history import Shown, read_after, read_before
from writer.metrics import WriterMetrics
from writer.read_lanes import LaneBounds, ReadBounds, ReadLane
from writer.redaction import Redacted, Redaction, Removal
from writer.rules import Ruled, Rules, Ruling, Sanction
from writer.sink import CommentSink
from writer.store import Appended, AuthoredPage, CommentStore

WRITE_DEADLINE_S = 5.0  # of a write that is only tried
WRITE_PROBLEM_KEPT_S = 30.0
WRITE_TRIED_AFTER_S = 10.0  # without a post that was stored
_REPLY_BYTES = MAX_INTERNAL_BYTES - 4096  # of comments in one range reply


@dataclass(frozen=True, slots=True)
class History:
    """A page of a video's log, oldest first, as public JSON; see `writer.history.Stretch`."""

    entries: tuple[bytes, ...]
    first: EventId
    last: EventId
    head: EventId
    more: bool


class CommentService:
    """Posts, history, heads and ranges on one store; committed comments go to one sink.

    Owns neither: `start` and `stop` do start and stop both. Methods raise StoreUnavailable and
    Overloaded.
    """

    def __init__(
        self,
        store: CommentStore,
        sink: CommentSink,
        tasks: TaskHome,
        metrics: WriterMetrics,
        *,
        limits: Limits | None = None,
        read_bounds: ReadBounds | None = None,
        write_problem_kept_s: float = WRITE_PROBLEM_KEPT_S,
        write_tried_after_s: float = WRITE_TRIED_AFTER_S,
    ) -> None:
        self._store, self._sink, self._metrics = store, sink, metrics
        self._group_commit = GroupCommit(store, sink, tasks, metrics, limits=limits)
        self._write_problem_kept_s = write_problem_kept_s
        self._write_tried_after_s = write_tried_after_s
        self._unwritten_at, self._written_at = 0.0, float("-inf")
        self._problems: dict[str, str] = {}
        self.reads_closed: str | None = None  # why nobody may read comments now; see `close_reads`
        bounds = read_bounds or store.read_bounds
        self._read_deadline_s = bounds.deadline_s
        self._heads = self._lane("heads", bounds.heads)
        self._ranges = self._lane("ranges", bounds.ranges)
        self._history = self._lane("history", bounds.history)

    @property
    def store_problem(self) -> str | None:
        """What was wrong with the last write or read of heads, None if nothing: see `check`. Where
        the store has no write that can be tried, and while nobody posts, the problem of a write is
        forgotten after `write_problem_kept_s`: it may have ended long ago.
        """
        if time.monotonic() > self._unwritten_at + self._write_problem_kept_s:
            self._problems.pop("write", None)
        return "; ".join(self._problems.values()) or None

    @property
    def queues(self) -> dict[str, int]:
        """Comments that wait for a commit, and reads that wait in their lane."""
        return {
            "commit": self._group_commit.waiting,
            "read_heads": self._heads.waiting,
            "read_ranges": self._ranges.waiting,
            "read_history": self._history.waiting,
        }

    @property
    def videos(self) -> int:
        """Videos with something to commit now."""
        return self._group_commit.videos

    async def start(self) -> None:
        """Open the store and the sink; neither fails because something is away."""
        await self._store.start()
        await self._sink.start()

    async def drain(self) -> None:
        """Wait until every comment that was accepted is committed or refused."""
        await self._group_commit.wait_idle()

    async def stop(self) -> None:
        """Hand over what is queued, close the store. Idempotent."""
        await self._sink.stop()
        await self._store.stop()

    async def post(
        self, video_id: str, comment: NewComment, key: str | None, request_id: str = ""
    ) -> Appended:
        """Store one comment. See GroupCommit.post."""
        # Not `_writing`: this is on the path of every post.
        try:
            result = await self._group_commit.post(video_id, comment, key, request_id)
        except StoreUnavailable as exc:
            self._note_unwritten(exc.detail)
            raise
        self._note_written()
        return result

    def close_reads(self, why: str) -> None:
        """From now on reads of comments and heads are StoreUnavailable, and so is what shows one
        again; posts and removals go on.
        """
        self.reads_closed = why

    def open_reads(self) -> None:
        """They can be read. Idempotent."""
        self.reads_closed = None

    def check_reads_open(self) -> None:
        """Raises StoreUnavailable while reads are closed."""
        if self.reads_closed is not None:
            raise StoreUnavailable(self.reads_closed)

    async def check(self) -> None:
        """Ask whether the store serves, for `store_problem`: its own `check`, and a write that
        changes nothing if the last write failed, or nothing was stored for `write_tried_after_s`.
        """
        with suppress(Unavailable):
            async with self._reading("check", self._heads):
                await self._store.check()
        if "write" in self._problems or self._idle_s() > self._write_tried_after_s:
            await self._try_write()

    async def redact(self, video_id: str, redaction: Redaction, request_id: str = "") -> Redacted:
        """Remove or restore comments. See GroupCommit.redact."""
        if not isinstance(redaction, Removal):
            self.check_reads_open()
        async with self._writing():
            return await self._group_commit.redact(video_id, redaction, request_id)

    async def rule(self, video_id: str, ruling: Ruling, request_id: str = "") -> Ruled:
        """Change the rules of a video. See GroupCommit.rule."""
        self.check_reads_open()
        async with self._writing():
            return await self._group_commit.rule(video_id, ruling, request_id)

    async def rules(self, video_id: str, author_id: str = "") -> tuple[Rules, Sanction | None]:
        """As CommentStore.rules."""
        async with self._reading("rules", self._heads):
            return await self._store.rules(video_id, author_id)

    async def sanctions(self, video_id: str, limit: int, after: str = "") -> list[Sanction]:
        """As CommentStore.sanctions."""
        async with self._reading("sanctions", self._history):
            return await self._store.sanctions(video_id, limit, after)

    async def filters(self, video_id: str) -> tuple[int, bytes]:
        """As CommentStore.filters."""
        async with self._reading("filters", self._history):
            return await self._store.filters(video_id)

    async def authored(self, author_id: str, video_id: str, after: int, limit: int) -> AuthoredPage:
        """As CommentStore.authored."""
        async with self._reading("authored", self._history):
            return await self._store.authored(author_id, video_id, after, limit)

    async def authored_videos(self, author_id: str, after: str, limit: int) -> list[str]:
        """As CommentStore.authored_videos."""
        async with self._reading("authored", self._history):
            return await self._store.authored_videos(author_id, after, limit)

    async def used_slots(self, video_id: str, slots: Sequence[str]) -> dict[str, int]:
        """As CommentStore.used_slots."""
        async with self._reading("rules", self._heads):
            return await self._store.used_slots(video_id, slots)

    async def history(
        self, video_id: str, limit: int, *, after: str | None = None, before: str | None = None
    ) -> History:
        """Up to `limit` comments next to an event id, or the newest ones: those that may be shown.

        Raises InvalidField for an id that is malformed or of another epoch.
        """
        return await self._page(video_id, limit, after, before, is_comment)

    async def entries(
        self, video_id: str, limit: int, *, after: str | None = None, before: str | None = None
    ) -> History:
        """As `history`, of the log itself: with notices, and tombstones for what was removed."""
        return await self._page(video_id, limit, after, before, lambda _: True)

    async def comment(self, video_id: str, seq: int) -> bytes:
        """The public JSON of one comment. Raises NotFound, or CommentRemoved."""
        async with self._reading_comments("comment", self._history):
            page = await self._store.range(video_id, seq - 1, seq, for_history=True)
        kind = entry_type(page.comments[0]) if page.comments else ""
        if kind == TOMBSTONE:
            raise CommentRemoved()
        if kind != COMMENT:
            raise NotFound("no such comment")
        return page.comments[0]

    async def heads(
        self,
        video_ids: Sequence[str],
        known: Mapping[str, int] | None = None,
        states: Sequence[str] = (),
    ) -> HeadsReply:
        """Newest numbers of some videos; `known` as for CommentStore.heads. states: of which of
        them the state is wanted too; it is read after the heads, so no entry falls between.
        """
        async with self._reading_comments("heads", self._heads):
            heads = await self._store.heads(video_ids, known)
            rules = await self._store.rules_of(states) if states else {}
            found = {one: await self._state(one, rules[one]) for one in rules}
            return HeadsReply(await self._store.epoch(), heads, found)

    async def range(self, video_id: str, after: int, through: int) -> RangeReply:
        """Comments with after < seq <= through, the first of them if they are more than MAX_RANGE
        or do not fit into one message.
        """
        async with self._reading_comments("range", self._ranges):
            epoch = await self._store.epoch()
            page = await self._store.range(video_id, after, min(through, after + MAX_RANGE))
        raws = tuple(map(msgspec.Raw, _that_fit(page.comments)))
        return RangeReply(epoch, page.oldest, page.head, page.first_seq or after + 1, raws)

    async def _state(self, video_id: str, rules: Rules) -> State:
        pinned = b"null"
        if rules.pin:
            page = await self._store.range(video_id, rules.pin - 1, rules.pin)
            pinned = next(filter(is_comment, page.comments), pinned)
        return State(
            rules.settings, rules.settings_notice, rules.pin, rules.pin_notice, msgspec.Raw(pinned)
        )

    async def _page(
        self, video_id: str, limit: int, after: str | None, before: str | None, shown: Shown
    ) -> History:
        async with self._reading_comments("history", self._history):
            epoch = await self._store.epoch()
            if after is not None:
                start = _seq(after, epoch, "after")
                found = await read_after(self._store, video_id, start, limit, shown)
            else:
                end = None if before is None else _seq(before, epoch, "before")
                found = await read_before(self._store, video_id, end, limit, shown)
        first, last, head = (EventId(epoch, n) for n in (found.first, found.last, found.head))
        return History(found.entries, first, last, head, found.more)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        try:
            yield
        except StoreUnavailable as exc:
            self._note_unwritten(exc.detail)
            raise
        self._note_written()

    @asynccontextmanager
    async def _reading_comments(self, call: str, lane: ReadLane) -> AsyncIterator[None]:
        self.check_reads_open()
        async with self._reading(call, lane):
            yield

    @asynccontextmanager
    async def _reading(self, call: str, lane: ReadLane) -> AsyncIterator[None]:
        try:
            async with lane.turn(), asyncio.timeout(self._read_deadline_s):
                yield
        except StoreUnavailable as exc:
            self._note_unread(call, lane, exc.detail)
            raise
        except TimeoutError as exc:
            self._note_unread(call, lane, "the store did not answer in time")
            raise StoreUnavailable("the store did not answer in time") from exc
        if lane is self._heads:
            self._problems.pop("read", None)

    async def _try_write(self) -> None:
        try:
            async with asyncio.timeout(WRITE_DEADLINE_S):
                tried = await self._store.try_write()
        except StoreUnavailable as exc:
            self._note_unwritten(exc.detail)
        except TimeoutError:
            self._note_unwritten("the store did not answer in time")
        else:
            if tried:
                self._note_written()

    def _idle_s(self) -> float:
        return time.monotonic() - self._written_at

    def _note_written(self) -> None:
        self._problems.pop("write", None)
        self._written_at = time.monotonic()

    def _note_unwritten(self, problem: str) -> None:
        self._problems["write"] = f"last write: {problem}"
        self._unwritten_at = time.monotonic()

    def _note_unread(self, call: str, lane: ReadLane, problem: str) -> None:
        self._metrics.store_failures.labels(call).inc()
        if lane is self._heads:
            self._problems["read"] = f"last read: {problem}"

    def _lane(self, name: str, bounds: LaneBounds) -> ReadLane:
        refused = self._metrics.reads_refused
        return ReadLane(bounds, lambda reason: refused.labels(name, reason).inc())


def _seq(text: str, epoch: str, parameter: str) -> int:
    event_id = parse_event_id(text)
    if event_id is None:
        raise InvalidField(parameter, "is not an event id")
    if event_id.epoch != epoch:
        raise InvalidField(parameter, "is of another epoch of the store; read without it")
    return event_id.seq


def _that_fit(comments: Sequence[bytes]) -> Sequence[bytes]:
    size = 0
    for index, raw in enumerate(comments):
        size += len(raw) + 1
        if size > _REPLY_BYTES:
            return comments[:index]
    return comments
