"""Moderation beside the logs: screening and holding comments, deciding held ones, the calls of
moderators. What changes a video's rules goes through the CommentService.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, TypeVar

import msgspec

from identity.revocations import Revocations
from identity.roles import Rank
from screening.terms import Action
from service.failpoints import Failpoint, reach
from wire.comment import NewComment, timestamp
from wire.errors import (
    AlreadyDecided,
    Blocked,
    CallerError,
    InvalidField,
    KeyReused,
    Overloaded,
    StoreUnavailable,
)
from writer.comment_service import CommentService
from writer.erasures import Erasures
from writer.held import Held, HeldState, hold
from writer.known_filters import KnownFilters
from writer.metrics import WriterMetrics
from writer.moderation_store import Call, ModerationStore
from writer.rules import Code, refuse_author
from writer.site_rules import SiteRules
from writer.store import Appended, Outcome

DEADLINE_S = 5.0  # of a call to the store
_SCREENED_ANEW = 5  # filters that change faster than that are not kept up with

T = TypeVar("T")


class Moderation:
    """Owns neither the service nor the store. site: what counts for every video; erasures: what is
    to be destroyed; `watch` keeps both going, as a task of the process. filters: by which comments
    are screened.
    """

    def __init__(
        self,
        comments: CommentService,
        store: ModerationStore,
        metrics: WriterMetrics,
        revocations: Revocations,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._comments, self._store, self._metrics, self._now = comments, store, metrics, now
        self._nonces = count(secrets.randbits(30))  # in order, for calls of one moment
        self.site = SiteRules(comments, store, revocations)
        self.erasures = Erasures(comments, store, metrics)
        self.filters = KnownFilters(self._filters_version, comments.filters, metrics)

    async def start(self) -> None:
        """Before anybody is served, nodes too; some seconds at most."""
        await self.site.start()
        await self.erasures.start()

    async def watch(self) -> None:
        """For ever. Erasures may take minutes, in which revocations have to count all the same."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.site.watch())
            tasks.create_task(self.erasures.watch())

    async def post(
        self, video_id: str, comment: NewComment, key: str | None, request_id: str = ""
    ) -> Appended | Held:
        """Store one comment, or hold it where the video's filters say so. A video without filters
        is found to have none where the comment is numbered, and pays nothing.

        Raises Banned, TimedOut, Blocked, KeyReused, and what GroupCommit.post raises.
        """
        self.site.check(comment)
        if comment.rank >= Rank.MODERATOR:  # for whom the filters do not count
            return await self._comments.post(video_id, comment, key, request_id)
        version, filters = self.filters.find(video_id)
        for _ in range(_SCREENED_ANEW):
            action = filters.screen(comment.author, comment.text) if version else None
            if action is None:
                if version:
                    comment = msgspec.structs.replace(comment, screened=version)
                result = await self._comments.post(video_id, comment, key, request_id)
                if result.refusal is None or result.refusal.code is not Code.UNSCREENED:
                    return result
            current = await self.filters.fetch(video_id)
            if action is not None and current[0] == version:  # else they count no longer
                return await self._keep_back(action, video_id, comment, key, request_id)
            version, filters = current
        raise StoreUnavailable("the video's filters change too fast")

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""
        self._comments.check_reads_open()
        return await _in_time(self._store.list_held(video_id, limit, held_after_ms))

    async def decide(
        self, video_id: str, held_id: str, state: HeldState, by: str, request_id: str = ""
    ) -> tuple[Held, Appended | None]:
        """Decide a held comment, and post it if it is approved. Any decision about one that is
        approved already completes that, whoever died in it: it is posted under one key.

        Raises NotFound, AlreadyDecided; CallerError if the author may not post now: then it waits
        as before.
        """
        self._comments.check_reads_open()
        now_ms = int(self._now() * 1000)
        before = await _in_time(self._store.find_held(video_id, held_id))
        opens = before is not None and before.is_open(now_ms)
        if before is not None and opens and state is HeldState.APPROVED:
            await self._check_author(video_id, before, now_ms)
        try:
            held = await _in_time(self._store.decide_held(video_id, held_id, state, by, now_ms))
        except AlreadyDecided:
            await self._complete(video_id, held_id, request_id)
            raise
        if opens:
            self._metrics.decided.labels(state).inc()
        if state is HeldState.DENIED:
            return held, None
        reach(Failpoint.WRITER_DECIDED)
        return held, await self._post_held(video_id, held, request_id)

    async def note(self, video_id: str, record: dict[str, Any]) -> None:
        """Keep a call of a moderator, with the time."""
        now_s = self._now()
        body = msgspec.json.encode({"at": timestamp(now_s), **record})
        call = Call(int(now_s * 1000), next(self._nonces), body)
        await _in_time(self._store.note_call(video_id, call))

    @asynccontextmanager
    async def noted(self, video_id: str, record: dict[str, Any]) -> AsyncIterator[None]:
        """Keep a call before it is carried out, so that none is without a trace; and afterwards, if
        it was refused.
        """
        await self.note(video_id, record)
        try:
            yield
        except CallerError as exc:
            await self.note(video_id, record | {"refused": exc.code})
            raise

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """As ModerationStore.calls."""
        return await _in_time(self._store.calls(video_id, limit, before))

    async def _filters_version(self, video_id: str) -> int:
        rules, _ = await self._comments.rules(video_id)
        return rules.filters

    async def _keep_back(
        self, action: Action, video_id: str, comment: NewComment, key: str | None, request_id: str
    ) -> Appended | Held:
        if action is Action.BLOCK:
            raise Blocked()
        return await self._hold(video_id, comment, key, request_id)

    async def _hold(
        self, video_id: str, comment: NewComment, key: str | None, request_id: str
    ) -> Appended | Held:
        new = hold(video_id, comment, key, int(self._now() * 1000))
        if key is None or await _in_time(self._store.find_held(video_id, new.id)) is None:
            # What could not be posted if it were approved takes no place among those that wait.
            await self._check_author(video_id, new, new.held_ms)
        try:
            held = await _in_time(self._store.hold(video_id, new))
        except Overloaded:  # too many wait for a moderator
            self._metrics.refused.labels("held_full").inc()
            raise
        if held == new:  # it is not the same object on every store
            self._metrics.held.inc()
        if not held.same_words(new):
            raise KeyReused()
        if held.state is HeldState.DENIED:
            raise Blocked()
        if held.state is HeldState.APPROVED:
            return await self._post_held(video_id, held, request_id)
        return held

    async def _check_author(self, video_id: str, held: Held, now_ms: int) -> None:
        """Raises CallerError if the author may not post, approved or not."""
        comment = held.comment()
        self.site.check(comment)
        rules, said = await self._comments.rules(video_id, held.author_id)
        refusal = refuse_author(rules, said, comment, now_ms)
        if refusal is not None:
            raise refusal.error()

    async def _complete(self, video_id: str, held_id: str, request_id: str) -> None:
        """Post it if somebody else has approved it and it is not posted."""
        held = await _in_time(self._store.find_held(video_id, held_id))
        if held is not None and held.unposted:
            with suppress(CallerError):  # its author may not post; that it was decided is the reply
                await self._post_held(video_id, held, request_id)

    async def _post_held(self, video_id: str, held: Held, request_id: str) -> Appended:
        key, comment = held.key or held.id, held.comment()
        self.site.check(comment)
        result = await self._comments.post(video_id, comment, key, request_id)
        if result.refusal is not None:
            raise result.refusal.error()
        if result.outcome is Outcome.CONFLICT:
            raise KeyReused()
        if result.seq and not held.seq:
            await _in_time(self._store.note_held_seq(video_id, held.id, result.seq))
        return result


def parse_decision(value: object) -> HeldState:
    """Raises InvalidField."""
    decisions = {"approve": HeldState.APPROVED, "deny": HeldState.DENIED}
    if not isinstance(value, str) or value not in decisions:
        raise InvalidField("decision", "must be approve or deny")
    return decisions[value]


async def _in_time(call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await call
    except TimeoutError as exc:
        raise StoreUnavailable("the store did not answer in time") from exc
