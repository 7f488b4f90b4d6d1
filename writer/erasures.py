"""Erasures: all that an author has written is destroyed, on all videos, by whichever writer comes
first.

Invariants
- Comments that a backup brought back, although their author had been erased, are read by nobody:
  reads are closed from the start on until it is known that there are none, or they are gone again.
- An erasure that fails keeps no other one from being carried out, and is tried again.
- It is done when nothing is left that was there when it was asked for last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog

from wire.entry import RemovedBy
from wire.errors import LivecommentsError
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.moderation_store import Erasure, ModerationStore
from writer.purge import remove_all_of

log = structlog.get_logger()

FIRST_WITHIN_S = 5.0
EVERY_S = 10.0
CLOSED_EVERY_S = 1.0  # while nobody can read
MAX_FAILED_IN_A_ROW = 3  # then it is the store: the others wait for the next time
_PAGE = 1_000
_VIDEOS_AT_ONCE = 100
_UNKNOWN = "it is not known yet whether a backup has undone erasures"
_CLOSED = "erasures that a backup has undone are carried out first"


class Erasures:
    """One of a process; `watch` carries them out."""

    def __init__(
        self, comments: CommentService, store: ModerationStore, metrics: WriterMetrics
    ) -> None:
        self._comments, self._store, self._metrics = comments, store, metrics
        self._turn = asyncio.Lock()
        self._restored = set[str]()  # authors whose comments a backup has brought back
        self._failures: dict[str, int] = {}  # by author, of those that are not done

    async def start(self) -> None:
        """Close reads, and open them again when nothing is there that a backup has brought back.
        Waits for that, FIRST_WITHIN_S at most; then it is left to `watch`.
        """
        self._comments.close_reads(_UNKNOWN)
        with suppress(LivecommentsError, TimeoutError):
            async with asyncio.timeout(FIRST_WITHIN_S):
                await self.finish(only_restored=True)

    async def watch(self) -> None:
        """Carry out what was asked for, of any writer, for ever."""
        while True:
            try:
                await self.finish()
            except LivecommentsError as exc:
                log.warning("erasures_not_read", error=str(exc))
            await asyncio.sleep(CLOSED_EVERY_S if self._comments.reads_closed else EVERY_S)

    async def ask(self, author_id: str) -> None:
        """All that an author has written up to now is to be destroyed: within seconds, by whichever
        writer. Raises StoreUnavailable.
        """
        known, at_ms = await self._store.find_erasure(author_id), int(time.time() * 1000)
        if known is not None:  # later than that one, whatever clocks say
            at_ms = max(at_ms, known.at_ms + 1)
        await self._store.note_erasure(Erasure(author_id, at_ms, False))

    async def find(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""
        return await self._store.find_erasure(author_id)

    async def finish(self, *, only_restored: bool = False) -> None:
        """Carry out those that are not done, first those that a backup has undone. One that fails
        is counted, logged, and comes last the next time. Raises StoreUnavailable if they cannot be
        listed.
        """
        async with self._turn:
            undone = await self._list_open()
            self._restored = {one.author_id for one in undone if one.restored}
            if self._restored and self._comments.reads_closed:  # since the start
                self._comments.close_reads(_CLOSED)
            self._open_reads()
            failed = 0
            for erasure in undone:
                if only_restored and not erasure.restored:
                    continue
                if failed >= MAX_FAILED_IN_A_ROW:
                    break
                failed = 0 if await self._try(erasure) else failed + 1

    async def _list_open(self) -> list[Erasure]:
        undone, after = list[Erasure](), ""
        while some := await self._store.open_erasures(_PAGE, after):
            after = some[-1].author_id
            undone += some
        self._metrics.erasures_pending = len(undone)
        open_ids = {one.author_id for one in undone}
        self._failures = {one: n for one, n in self._failures.items() if one in open_ids}
        return sorted(undone, key=lambda one: (self._failed(one), not one.restored))

    def _failed(self, erasure: Erasure) -> int:
        return self._failures.get(erasure.author_id, 0)

    async def _try(self, erasure: Erasure) -> bool:
        """Whether it is done."""
        author_id = erasure.author_id
        try:
            removed = await self._carry_out(erasure)
        except Exception as exc:  # whatever it is: the others have to be carried out
            self._failures[author_id] = self._failed(erasure) + 1
            self._metrics.erasures_failed.inc()
            known = isinstance(exc, LivecommentsError)
            report = log.warning if known else log.exception
            report("erasure_failed", author_id=author_id, error=str(exc))
            return False
        self._failures.pop(author_id, None)
        self._metrics.erasures_pending -= 1
        self._metrics.erasures.inc()
        log.info("author_erased", author_id=author_id, comments=removed)
        return True

    async def _carry_out(self, erasure: Erasure) -> int:
        author_id, removed = erasure.author_id, 0
        async for video_id in videos_of(self._comments, author_id):
            # What waits for a moderator goes first: else it could be approved after the search.
            await self._store.forget_author(author_id, video_id)
            removed += await remove_all_of(
                self._comments, author_id, video_id, by=RemovedBy.ERASURE
            )
        self._restored.discard(author_id)
        self._open_reads()
        await self._store.scrub()
        await self._store.note_erasure(erasure._replace(done=True))
        return removed

    def _open_reads(self) -> None:
        if not self._restored:
            self._comments.open_reads()


async def videos_of(comments: CommentService, author_id: str) -> AsyncIterator[str]:
    """Videos on which an author has written, or has something that waits. Raises
    StoreUnavailable.
    """
    after = ""
    while some := await comments.authored_videos(author_id, after, _VIDEOS_AT_ONCE):
        for video_id in some:
            yield video_id
        after = some[-1]
