"""What counts for every video: sanctions everywhere and revoked tokens, kept in memory and read
again when they have changed; and erasures that are not done yet.

Not as of the head, as a video's own rules: a change counts on every writer within REFRESH_S and the
time of a read. While the store is away the last known ones count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import structlog

from identity.revocations import Revocations
from wire.comment import NewComment
from wire.entry import RemovedBy
from wire.errors import LivecommentsError
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.moderation_store import Erasure, ModerationStore
from writer.purge import remove_all_of
from writer.rules import Sanction, refuse_sanctioned

log = structlog.get_logger()

REFRESH_S = 2.0
FIRST_WITHIN_S = 5.0
KNOWN_WITHIN_S = 5.0  # by every writer, while the store answers
_PAGE = 1_000
_ERASURES_EVERY_S = 10.0
_VIDEOS_AT_ONCE = 100


class SiteRules:
    """One of a process; `watch` keeps it current."""

    def __init__(
        self,
        comments: CommentService,
        store: ModerationStore,
        metrics: WriterMetrics,
        revocations: Revocations,
    ) -> None:
        self._comments, self._store, self._metrics = comments, store, metrics
        self._revocations = revocations
        self._version: int | None = None
        self._sanctions: Mapping[str, Sanction] = {}
        self._erasing = asyncio.Lock()

    async def start(self) -> None:
        """Read all once, and finish erasures that a backup has undone, before anybody is served;
        FIRST_WITHIN_S at most, and not at all while the store is away.
        """
        with suppress(LivecommentsError, TimeoutError):
            async with asyncio.timeout(FIRST_WITHIN_S):
                await self.refresh()
                await self.finish_erasures()

    async def watch(self) -> None:
        """Read what has changed, for ever; and finish erasures that somebody has left undone."""
        erasures_at = 0.0
        while True:
            try:
                await self.refresh()
                if time.monotonic() >= erasures_at:
                    await self.finish_erasures()
                    erasures_at = time.monotonic() + _ERASURES_EVERY_S
            except LivecommentsError as exc:
                log.warning("site_rules_not_read", error=str(exc))
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read what has changed. Raises StoreUnavailable."""
        rules, _ = await self._comments.rules("")
        if rules.version == self._version:
            return
        sanctions = {one.author_id: one for one in await self._all_sanctions()}
        self._revocations.replace(dict(await self._all_revocations()), rules.version)
        self._sanctions, self._version = sanctions, rules.version

    def check(self, comment: NewComment) -> None:
        """Whether its author may post anywhere. Raises Banned, TimedOut."""
        said = self._sanctions.get(comment.author_id)
        if said is not None:
            refusal = refuse_sanctioned(said, comment, int(time.time() * 1000))
            if refusal is not None:
                raise refusal.error()

    def find(self, author_id: str) -> Sanction | None:
        """What is said of an author everywhere."""
        return self._sanctions.get(author_id)

    async def erase(self, author_id: str) -> None:
        """All that an author has written is to be destroyed: within seconds, by whichever writer.
        Raises StoreUnavailable.
        """
        await self._store.note_erasure(Erasure(author_id, int(time.time() * 1000), False))

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""
        return await self._store.find_erasure(author_id)

    async def revoke(self, author_id: str, not_before: int) -> None:
        """Tokens of an author from before a time do not count, here at once. Raises
        StoreUnavailable.
        """
        await self._store.revoke(author_id, not_before)
        await self.refresh()

    async def finish_erasures(self) -> None:
        """Carry out those that are not done. Raises StoreUnavailable."""
        async with self._erasing:
            undone = await self._undone_erasures()
            self._metrics.erasures_pending = len(undone)
            for erasure in undone:
                await self._finish(erasure)
                self._metrics.erasures_pending -= 1

    async def purge_everywhere(self, author_id: str, reason: str | None, request_id: str) -> None:
        """Remove all comments of an author on all videos, whom somebody has just banned: once at
        once, and again when every writer knows of the ban. Raises StoreUnavailable.
        """
        for wait_s in (0.0, KNOWN_WITHIN_S):
            await asyncio.sleep(wait_s)
            async for video_id in self._videos_of(author_id):
                await remove_all_of(
                    self._comments, author_id, video_id, reason=reason, request_id=request_id
                )

    async def _undone_erasures(self) -> list[Erasure]:
        undone, after = list[Erasure](), ""
        while some := await self._store.erasures(_PAGE, after):
            after = some[-1].author_id
            undone += [erasure for erasure in some if not erasure.done]
        return undone

    async def _finish(self, erasure: Erasure) -> None:
        author_id, removed = erasure.author_id, 0
        async for video_id in self._videos_of(author_id):
            removed += await remove_all_of(
                self._comments, author_id, video_id, by=RemovedBy.ERASURE
            )
            await self._store.forget_author(author_id, video_id)
        await self._store.scrub()
        await self._store.note_erasure(erasure._replace(done=True))
        self._metrics.erasures.inc()
        log.info("author_erased", author_id=author_id, comments=removed)

    async def _videos_of(self, author_id: str) -> AsyncIterator[str]:
        after = ""
        while some := await self._comments.authored_videos(author_id, after, _VIDEOS_AT_ONCE):
            for video_id in some:
                yield video_id
            after = some[-1]

    async def _all_sanctions(self) -> list[Sanction]:
        found, after = list[Sanction](), ""
        while some := await self._comments.sanctions("", _PAGE, after):
            found += some
            after = some[-1].author_id
        return found

    async def _all_revocations(self) -> list[tuple[str, int]]:
        found, after = list[tuple[str, int]](), ""
        while some := await self._store.revocations(_PAGE, after):
            found += some
            after = some[-1][0]
        return found
