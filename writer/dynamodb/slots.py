"""When slots of slow mode and of repeats were used last: see `marks`.

Invariants: a slot's mark says when it was used up to `after`, and by which group it is to be used
next; it never goes back, whatever comes late. If the group after that number has that token, its
use is the last one up to any head that is known for certain: whoever used the slot later has put
the mark anew. If it has not, that group lost a race; then all groups up to the head are searched.
What is not searched in time counts as unused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from writer.dynamodb.marks import DynamoMarks, Mark
from writer.dynamodb.reads import DynamoReads
from writer.recent_values import RecentValues
from writer.stepwise.group import Sent

SEARCH_WITHIN_S = 0.5
GROUPS_AT_ONCE = 16
MAX_SLOTS_KNOWN = 100_000
MAX_GROUPS_KNOWN = 10_000
_PREFIX = "\x01"  # not printable: no idempotency key begins with it


class DynamoSlots:
    """Implements `ports.Slots`. Owns what it remembers of uses that were read, with the head that
    they are as of, and of the tokens of own groups.
    """

    def __init__(self, marks: DynamoMarks, reads: DynamoReads) -> None:
        self._marks, self._reads = marks, reads
        self._known = RecentValues[tuple[str, str], tuple[int, int]](MAX_SLOTS_KNOWN)
        self._stored = RecentValues[tuple[str, int], bytes](MAX_GROUPS_KNOWN)

    async def fetch(
        self, video_id: str, head: int, slots: Sequence[str], not_before_s: float
    ) -> dict[str, int]:
        """As ports.Slots.fetch."""
        marks = await self._marks.fetch(video_id, [_PREFIX + slot for slot in slots])
        marked = {name.removeprefix(_PREFIX): mark for name, mark in marks.items()}
        used = {slot: mark.used_ms for slot, mark in marked.items()}
        open_marks = {slot: mark for slot, mark in marked.items() if mark.after < head}
        tokens = await self._tokens(video_id, {mark.after + 1 for mark in open_marks.values()})
        unsure: dict[str, Mark] = {}
        for slot, mark in open_marks.items():
            if mark.token == tokens.get(mark.after + 1):
                used[slot] = max(mark.used_ms, mark.claim_ms)
            else:
                unsure[slot] = mark
        if unsure:
            with suppress(TimeoutError):
                async with asyncio.timeout(SEARCH_WITHIN_S):
                    await self._search(video_id, head, unsure, used)
        for slot in slots:
            self._known.put((video_id, slot), (head, used.get(slot, 0)))
        return {slot: used_ms for slot, used_ms in used.items() if used_ms}

    async def write_hints(self, sent: Sent) -> None:
        """To be called before the group is stored; if this raises it must not be stored."""
        video_id, group = sent.video_id, sent.group
        marks: dict[str, tuple[Mark, int]] = {}
        for slot, (claim_ms, keep_s) in group.slots.items():
            after, used_ms = self._known.get((video_id, slot)) or (group.head, 0)
            marks[_PREFIX + slot] = Mark(after, used_ms, claim_ms, sent.token), keep_s
        if marks:
            await self._marks.put_forward(video_id, marks)

    def note_stored(self, sent: Sent) -> None:
        """A group of this process is stored."""
        if sent.group.slots:
            self._stored.put((sent.video_id, sent.group.head + 1), sent.token)

    async def _tokens(self, video_id: str, firsts: set[int]) -> dict[int, bytes]:
        """Of groups that begin with these numbers."""
        tokens = {
            first: token for first in firsts if (token := self._stored.get((video_id, first)))
        }
        unknown = sorted(firsts - tokens.keys())
        for begin in range(0, len(unknown), GROUPS_AT_ONCE):
            some = unknown[begin : begin + GROUPS_AT_ONCE]
            read = self._reads.fetch_group_from
            groups = await asyncio.gather(*(read(video_id, first) for first in some))
            tokens |= {group.first: group.token for group in groups if group is not None}
        return tokens

    async def _search(
        self, video_id: str, head: int, unsure: Mapping[str, Mark], used: dict[str, int]
    ) -> None:
        """Fills `used`, up to `head`."""
        at = min(mark.after for mark in unsure.values())
        while at < head:
            groups = await self._reads.fetch_groups(video_id, at + 1, head, GROUPS_AT_ONCE)
            if not groups:
                break
            for group in groups:
                for slot in unsure.keys() & group.marks.slots.keys():
                    used[slot] = max(used[slot], group.marks.slots[slot])
            at = groups[-1].last
