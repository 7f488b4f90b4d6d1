"""Storing groups in Cassandra: one conditional batch in one partition numbers and inserts a group.

Invariants: nothing is reported as stored unless a condition or a read at SERIAL says so. A group
that was sent is settled before anything else is done with its items: stored, or lost to another
writer's group (then numbered anew), or still open (then sent again unchanged, under its token, so
that it does not matter which of the two attempts is applied). What cannot be settled in time is
StoreUnavailable: its outcome is unknown, and a retry with the same keys settles it. A group that
would cross the edge of a bucket is cut there; the part before the edge is stored first, and stays
stored if the rest fails. An item whose key could not be searched in time is left out; the others of
its group are stored. A group is decided by rules as of its head: see CassandraDecisions.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import structlog

from service.failpoints import Failpoint, reach
from wire.comment import encode_comment
from wire.errors import StoreUnavailable
from writer.cassandra.authored import CassandraAuthored
from writer.cassandra.decisions import CassandraDecisions, Posting
from writer.cassandra.driver import CONDITION
from writer.cassandra.errors import HeadLost, Unanswered
from writer.cassandra.group import Group, Known, Pending, Result, Verdict, judge, number
from writer.cassandra.keys import CassandraKeys
from writer.cassandra.layout import Buckets
from writer.cassandra.pausing import SETTLE_WITHIN_S, pause
from writer.cassandra.reads import CassandraReads
from writer.cassandra.rules import Ruleset
from writer.cassandra.session import CassandraSession
from writer.recent_values import RecentValues
from writer.store import Item

log = structlog.get_logger()

MAX_VIDEOS_KNOWN = 50_000
MAKE_ROOM_S = 0.1  # for a writer that loses every race: several attempts of it
ASK_FOR_ROOM_EVERY = 4  # lost races
_OUTCOME_UNKNOWN = "commit outcome unknown; retry with the same key"
_NOT_STORED = "it was not stored"


@dataclass(slots=True)
class CassandraStats:
    """Totals since the start; owned by the event loop.

    lost_races: groups numbered anew because another writer was first; unanswered: groups that were
    sent and whose outcome had to be read back; settled: what those reads found, by verdict;
    unsearched: comments that were not stored because the search for their key was not finished in
    time; made_room: how often a group waited because another writer had lost every race.
    """

    lost_races: int = 0
    unanswered: int = 0
    unsearched: int = 0
    made_room: int = 0
    settled: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((verdict.value for verdict in Verdict), 0)
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A group on its way, under the token that its rows carry."""

    video_id: str
    group: Group
    token: bytes


@dataclass(frozen=True, slots=True)
class Preliminaries:
    """What is looked up, or noted, before a group is stored."""

    keys: CassandraKeys
    decisions: CassandraDecisions
    authored: CassandraAuthored


class CassandraAppend:
    """Owns the heads that this process knows for certain: from its own commits, conditions and
    reads at SERIAL, never from plain reads (see CassandraKeys).
    """

    def __init__(
        self,
        session: CassandraSession,
        reads: CassandraReads,
        before: Preliminaries,
        buckets: Buckets,
        stats: CassandraStats,
    ) -> None:
        self._session, self._reads, self._keys = session, reads, before.keys
        self._decisions, self._authored = before.decisions, before.authored
        self._buckets, self._stats = buckets, stats
        self._heads = RecentValues[str, int](MAX_VIDEOS_KNOWN)

    async def append(self, epoch: str, video_id: str, items: Sequence[Item]) -> list[Result]:
        """As CommentStore.append, but None for an item whose key could not be searched in time.

        Raises StoreUnavailable if that is so of all; HeadLost if this may be another store.
        """
        encode = partial(encode_comment, epoch, video_id)
        posting = Posting(epoch, video_id, encode, time.monotonic() + SETTLE_WITHIN_S)
        results: dict[int, Result] = {}
        try:
            await self._append(posting, list(enumerate(items)), results)
        except TimeoutError as exc:  # nothing is under way, but there may be a part before an edge
            raise StoreUnavailable(_OUTCOME_UNKNOWN if results else _NOT_STORED) from exc
        unsearched = sum(result is None for result in results.values())
        self._stats.unsearched += unsearched
        if items and unsearched == len(items):
            raise StoreUnavailable(_NOT_STORED)
        return [results[place] for place in range(len(items))]

    async def fresh_head(self, video_id: str) -> int:
        """The newest number, as of a read at SERIAL that begins now."""
        head = await self._reads.fetch_head(video_id, serial=True)
        self._heads.put(video_id, head)
        return head

    async def append_entry(self, video_id: str, head: int, raw: bytes, deadline: float) -> bool:
        """Store one entry as number `head` + 1; False if another writer's is, and the head has
        moved. deadline: as time.monotonic.

        Raises as `append`; TimeoutError if nothing was sent.
        """
        return await self._store(video_id, Group(head, [raw]), deadline)

    async def head(self, video_id: str) -> int:
        """A head that this process knows for certain; others may have moved it since."""
        head = self._heads.get(video_id)
        return await self.fresh_head(video_id) if head is None else head

    async def pause_after_loss(self, video_id: str, losses: int, deadline: float) -> None:
        """To be called before the next attempt. A writer that stores group after group wins every
        race; it is asked to make room.

        Raises TimeoutError after the deadline.
        """
        if losses % ASK_FOR_ROOM_EVERY == 0:
            await self._decisions.note_waiting(video_id)
        # A race that was lost tells the head, which is old again after a pause.
        if losses % 2 == 0 or time.monotonic() >= deadline:
            await pause(losses // 2, deadline)

    async def _append(self, posting: Posting, pending: Pending, results: dict[int, Result]) -> None:
        """Fills `results`. Raises TimeoutError if other writers were first every time, or if what
        has to be read before a group is sent is not answered.
        """
        video_id, deadline, losses = posting.video_id, posting.deadline, 0
        while pending:
            async with asyncio.timeout(deadline - time.monotonic()):
                group = await self._number(posting, pending, first=losses == 0)
            if not group.raws or await self._store(video_id, group, deadline):
                self._decisions.carry_on(video_id, group)
                results |= group.results
                pending = group.rest
                if pending:
                    reach(Failpoint.WRITER_AT_EDGE)
            else:
                losses += 1
                await self.pause_after_loss(video_id, losses, deadline)

    async def _number(self, posting: Posting, pending: Pending, *, first: bool) -> Group:
        """first: whether it has not lost a race yet."""
        video_id, comments = posting.video_id, [item.comment for _, item in pending]
        for attempt in count(1):
            head = await self.head(video_id)
            found = self._decisions.find(video_id, head, comments)
            known, ruleset = await self._look_up(video_id, head, pending, found)
            if ruleset.others_wait and first:
                self._stats.made_room += 1
                await asyncio.sleep(MAKE_ROOM_S)
            if ruleset.unnumbered:
                await self._decisions.number_entries(self, posting, ruleset)
                continue
            decider = await self._decisions.decider(posting, head, ruleset, comments)
            room = self._buckets.last(self._buckets.after(head)) - head
            group = number(pending, head, room, known, decider.accept)
            if decider.refused and found is not None:
                # Others may have changed the rules since, and what is refused meets no condition.
                self._decisions.forget(video_id)
            elif await self._decisions.keep(video_id, ruleset, decider, group):
                return group
            else:
                await pause(attempt, posting.deadline)
        raise AssertionError("count does not end")

    async def _look_up(
        self, video_id: str, head: int, pending: Pending, found: Ruleset | None
    ) -> tuple[Known, Ruleset]:
        keys = list({item.key for _, item in pending if item.key is not None})
        if found is not None:
            return await self._keys.fetch(video_id, head, keys), found
        # At once, so that a race that was lost costs no more time than it did without rules.
        return await asyncio.gather(
            self._keys.fetch(video_id, head, keys),
            self._decisions.fetch(video_id, head, [item.comment for _, item in pending]),
        )

    async def _store(self, video_id: str, group: Group, deadline: float) -> bool:
        """Whether the group is stored; if not, another writer's is, and the head has moved."""
        await self._keys.write_hints(video_id, group.head, group.keys)
        await self._authored.note(video_id, self._buckets.after(group.head), group.author_ids)
        sent = Sent(video_id, group, secrets.token_bytes(8))
        stored, head = await self._send(sent)
        if not stored:
            verdict, head = await self._settle(sent, head, deadline)
            if verdict is Verdict.LOST:
                self._stats.lost_races += 1
                self._keep_head(video_id, head)
                return False
        self._heads.put(video_id, group.new_head)
        self._reads.heads.learn(video_id, group.new_head)
        if group.head and self._buckets.after(group.head) != self._buckets.of(group.head):
            await self._reads.write_bucket_hint(video_id, self._buckets.after(group.head))
        return True

    def _keep_head(self, video_id: str, head: int) -> None:
        if head == self._buckets.last(self._buckets.of(head)):
            self._heads.forget(video_id)  # others may be many buckets further
        else:
            self._heads.put(video_id, head)

    async def _send(self, sent: Sent) -> tuple[bool, int | None]:
        """Whether the condition was met, and the head right after that; None if the outcome is
        unknown.

        Raises NotSent or Refused if the group was certainly not stored.
        """
        group = sent.group
        try:
            rows = await self._session.call(
                lambda cql: cql.store(sent.video_id, group, sent.token, self._buckets),
                profile=CONDITION,
            )
        except Unanswered:
            self._stats.unanswered += 1
            return False, None
        if rows[0]["[applied]"]:
            return True, group.new_head
        # There is no head at all where there is no row: an empty bucket, or the store was emptied.
        return False, self._head_in(group, rows[0].get("head"))

    async def _settle(self, sent: Sent, head: int | None, deadline: float) -> tuple[Verdict, int]:
        """STORED or LOST, and the head; `head` as `_send` returned it.

        Raises HeadLost, or StoreUnavailable if it cannot be settled in time.
        """
        in_doubt = head is None
        for attempt in count(1):
            try:
                verdict, head = await self._check_outcome(sent, head, in_doubt)
                if verdict is Verdict.OPEN:
                    stored, head = await self._send(sent)
                    if stored:
                        return Verdict.STORED, sent.group.new_head
                    in_doubt = in_doubt or head is None
                elif verdict is Verdict.UNKNOWN:
                    break
                else:
                    return verdict, head
            except StoreUnavailable:
                head = None
            try:
                await pause(attempt, deadline)
            except TimeoutError as exc:
                raise StoreUnavailable(_OUTCOME_UNKNOWN) from exc
        log.error("head_went_back", video_id=sent.video_id, expected=sent.group.head, head=head)
        self._heads.forget(sent.video_id)
        raise HeadLost(_OUTCOME_UNKNOWN if in_doubt else _NOT_STORED)

    async def _check_outcome(
        self, sent: Sent, head: int | None, in_doubt: bool
    ) -> tuple[Verdict, int]:
        """What became of the group, by what is stored right after its head. `head`: the one that a
        condition has just returned, None if it has to be read.
        """
        group, answered = sent.group, head is not None
        if head is None:
            bucket = self._buckets.after(group.head)
            head = await self._reads.fetch_bucket_head(sent.video_id, bucket, serial=True)
        found = None
        if head > group.head:
            found = await self._reads.fetch_token_after(
                sent.video_id, group.head, serial=not answered
            )
        verdict = judge(group.head, head, sent.token, found, in_doubt=in_doubt)
        if not answered:
            self._stats.settled[verdict.value] += 1
            log.warning("outcome_looked_up", video_id=sent.video_id, outcome=verdict.value)
        return verdict, head

    def _head_in(self, group: Group, head: int | None) -> int:
        """A bucket that has no head yet is empty: its head is that of the one before."""
        return self._buckets.head_before(self._buckets.after(group.head)) if head is None else head
