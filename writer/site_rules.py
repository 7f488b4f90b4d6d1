"""What counts for every video: sanctions everywhere and revoked tokens, kept in memory and read
again when they have changed.

Not as of the head, as a video's own rules: a change counts on every writer within REFRESH_S and the
time of a read. While the store is away the last known ones count. One read at a time: an older one
that ended later would take back what a newer one has found.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import structlog

from identity.revocations import Revocations
from wire.comment import NewComment
from wire.errors import LivecommentsError, StoreUnavailable
from writer.comment_service import CommentService
from writer.erasures import videos_of
from writer.moderation_store import ModerationStore
from writer.purge import remove_all_of
from writer.rules import Sanction, refuse_sanctioned

log = structlog.get_logger()

REFRESH_S = 2.0
FIRST_WITHIN_S = 5.0
KNOWN_WITHIN_S = 5.0  # by every writer, while the store answers; and longest time of a read
_PAGE = 1_000


class SiteRules:
    """One of a process; `watch` keeps it current."""

    def __init__(
        self, comments: CommentService, store: ModerationStore, revocations: Revocations
    ) -> None:
        self._comments, self._store, self._revocations = comments, store, revocations
        self._version: int | None = None
        self._sanctions: Mapping[str, Sanction] = {}
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Read all once, before anybody is served; FIRST_WITHIN_S at most, and not at all while the
        store is away.
        """
        self._revocations.known = False
        self._revocations.on_change()
        with suppress(LivecommentsError, TimeoutError):
            async with asyncio.timeout(FIRST_WITHIN_S):
                await self.refresh()

    async def watch(self) -> None:
        """Read what has changed, for ever."""
        while True:
            try:
                await self.refresh()
            except LivecommentsError as exc:
                log.warning("site_rules_not_read", error=str(exc))
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read what has changed up to this call. Raises StoreUnavailable, after KNOWN_WITHIN_S at
        the latest.
        """
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S), self._turn:
                await self._read()
        except TimeoutError as exc:
            raise StoreUnavailable("the store did not answer in time") from exc

    async def _read(self) -> None:
        rules, _ = await self._comments.rules("")
        if rules.version == self._version:
            return
        sanctions = {one.author_id: one for one in await self._all_sanctions()}
        self._revocations.learn(dict(await self._all_revocations()), rules.version)
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

    async def revoke(self, author_id: str, not_before: int) -> None:
        """Tokens of an author from before a time do not count, here at once. Raises
        StoreUnavailable.
        """
        await self._store.revoke(author_id, not_before)
        await self.refresh()

    async def purge_everywhere(self, author_id: str, reason: str | None, request_id: str) -> None:
        """Remove all comments of an author on all videos, whom somebody has just banned: once at
        once, and again when every writer knows of the ban. Raises StoreUnavailable.
        """
        for wait_s in (0.0, KNOWN_WITHIN_S):
            await asyncio.sleep(wait_s)
            async for video_id in videos_of(self._comments, author_id):
                await remove_all_of(
                    self._comments, author_id, video_id, reason=reason, request_id=request_id
                )

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
