"""Storing groups: one condition numbers and stores a group.

Invariants: nothing is reported as stored unless a condition or a serial read says so. A group
that was sent is settled before anything else is done with its items: stored, or lost to another
writer's group (then numbered anew), or still open (then sent again unchanged, under its token, so
that it does not matter which of the two attempts is applied). What cannot be settled in time is
StoreUnavailable: its outcome is unknown, and a retry with the same keys settles it. A group for
which there is not room enough is cut; its first part is stored first, and stays stored if the rest
fails. An item whose key could not be searched in time is left out; the others of
its group are stored. A group is decided by rules as of its head: see Decisions.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import NamedTuple

import structlog

from service.failpoints import Failpoint, reach
from wire.comment import encode_comment
from wire.errors import StoreUnavailable
from writer.recent_values import RecentValues
from writer.stepwise.decisions import Decisions, Posting
from writer.stepwise.errors import HeadLost, Unanswered
from writer.stepwise.group import Group, Known, Pending, Result, Sent, Verdict, judge, number
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.ports import Groups, Keys, Reads
from writer.stepwise.rules_as_of import Ruleset
from writer.store import Item

log = structlog.get_logger()

MAX_VIDEOS_KNOWN = 50_000
# For a writer that loses every race: several attempts of it, which take about as long as ours.
MAKE_ROOM_S, MAKE_ROOM_AT_MOST_S = 0.1, 1.0
MAKE_ROOM_FOR = 3  # attempts
ASK_FOR_ROOM_EVERY = 4  # lost races
_OUTCOME_UNKNOWN = "commit outcome unknown; retry with the same key"
_NOT_STORED = "it was not stored"


class _KnownHead(NamedTuple):
    """at: when it was the head, as `boot_time`."""

    head: int
    at: float


def boot_time() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class AppendStats:
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


class GroupAppend:
    """Owns the heads that this process knows for certain: from its own commits, conditions and
    serial reads, never from plain reads (see `ports.Keys`).
    """

    def __init__(
        self, reads: Reads, groups: Groups, keys: Keys, decisions: Decisions, stats: AppendStats
    ) -> None:
        self._reads, self._groups, self._keys = reads, groups, keys
        self._decisions, self._stats = decisions, stats
        self._heads = RecentValues[str, _KnownHead](MAX_VIDEOS_KNOWN)
        self._attempt_s = 0.0  # what the last group took

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
        """The newest number, as of a serial read that begins now."""
        began = boot_time()
        head = await self._reads.fetch_head(video_id, serial=True)
        self._heads.put(video_id, _KnownHead(head, began))
        return head

    async def append_entry(self, video_id: str, head: int, raw: bytes, deadline: float) -> bool:
        """Store one entry as number `head` + 1; False if another writer's is, and the head has
        moved. deadline: as time.monotonic.

        Raises as `append`; TimeoutError if nothing was sent.
        """
        return await self._store(video_id, Group(head, [raw]), deadline)

    async def head(self, video_id: str) -> int:
        """A head that this process knows for certain; others may have moved it since."""
        known = self._heads.get(video_id)
        if known is None or boot_time() - known.at > self._groups.heads_for_s:
            return await self.fresh_head(video_id)
        return known.head

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
            begun, waited = time.monotonic(), self._stats.made_room
            async with asyncio.timeout(deadline - time.monotonic()):
                group = await self._number(posting, pending, first=losses == 0)
            if not group.raws or await self._store(video_id, group, deadline):
                if group.raws and waited == self._stats.made_room:
                    self._attempt_s = time.monotonic() - begun
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
                await asyncio.sleep(self._room_s)
            if ruleset.unnumbered:
                await self._decisions.number_entries(self, posting, ruleset)
                continue
            decider = await self._decisions.decider(posting, head, ruleset, comments)
            group = number(pending, head, self._groups.room(head), known, decider.accept)
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
        sent = Sent(video_id, group, secrets.token_bytes(8), self._known_at(video_id, group.head))
        await self._keys.write_hints(video_id, group.head, group.keys)
        await self._groups.prepare(sent)
        stored, head = await self._send(sent)
        if not stored:
            verdict, head = await self._settle(sent, head, deadline)
            if verdict is Verdict.LOST:
                self._stats.lost_races += 1
                self._keep_head(video_id, head)
                return False
        self._heads.put(video_id, _KnownHead(group.new_head, boot_time()))
        self._reads.heads.learn(video_id, group.new_head)
        await self._groups.finish(sent)
        return True

    @property
    def _room_s(self) -> float:
        return min(max(MAKE_ROOM_S, MAKE_ROOM_FOR * self._attempt_s), MAKE_ROOM_AT_MOST_S)

    def _known_at(self, video_id: str, head: int) -> float:
        known = self._heads.get(video_id)
        # If another call has learnt of a later one, this one is a moment old.
        return known.at if known is not None and known.head == head else boot_time()

    def _keep_head(self, video_id: str, head: int) -> None:
        if self._groups.is_newest(head):
            self._heads.put(video_id, _KnownHead(head, boot_time()))
        else:
            self._heads.forget(video_id)

    async def _send(self, sent: Sent) -> tuple[bool, int | None]:
        """As `ports.Groups.send`, but without Unanswered: then the head is None."""
        try:
            return await self._groups.send(sent)
        except Unanswered:
            self._stats.unanswered += 1
            return False, None

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
        expected, answered = sent.group.head, head is not None
        head, found = await self._groups.read_back(sent, head, in_doubt=in_doubt)
        verdict = judge(expected, head, sent.token, found, in_doubt=in_doubt)
        if not answered:
            self._stats.settled[verdict.value] += 1
            log.warning("outcome_looked_up", video_id=sent.video_id, outcome=verdict.value)
        return verdict, head
