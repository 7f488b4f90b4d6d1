"""What a group has to be decided by, and what its decisions leave in the store.

Invariant: a group is decided by rules as of its head (see RulesAsOf) whose entries are all
numbered (see PendingEntries): by what the log says up to there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from wire.comment import NewComment
from wire.rulings import REPEATS_WITHIN_S
from writer.rules import NO_RULES, Rules, paces
from writer.stepwise.deciding import GroupDecider
from writer.stepwise.group import Encode, Group
from writer.stepwise.pending import PendingEntries
from writer.stepwise.ports import Log, Slots
from writer.stepwise.rules_as_of import RulesAsOf, Ruleset

# Clocks of writers differ, and a comment has the time at which its group began to be stored.
SLACK_S = 60


@dataclass(frozen=True, slots=True)
class Posting:
    """One call of `append`. deadline: as time.monotonic."""

    epoch: str
    video_id: str
    encode: Encode
    deadline: float


class Decisions:
    """Has no state of its own."""

    def __init__(self, rules: RulesAsOf, slots: Slots, pending: PendingEntries) -> None:
        self._rules, self._slots, self._pending = rules, slots, pending

    def find(self, video_id: str, head: int, comments: Sequence[NewComment]) -> Ruleset | None:
        """What decides these, if it is known already."""
        return self._rules.find(video_id, head, _author_ids(comments))

    async def fetch(self, video_id: str, head: int, comments: Sequence[NewComment]) -> Ruleset:
        """The same, read now; the head is `head` for certain. Raises StoreUnavailable."""
        return await self._rules.fetch(video_id, head, _author_ids(comments))

    async def number_entries(self, log: Log, posting: Posting, ruleset: Ruleset) -> None:
        """Number what is not known to be numbered; the rules have to be read again then. Raises
        StoreUnavailable, TimeoutError.
        """
        # Now too, so that other groups of this process do not go on without it.
        self.forget(posting.video_id)
        epoch, video_id, deadline = posting.epoch, posting.video_id, posting.deadline
        video = ruleset.rows.video
        if video.settings_since is not None:
            await self._pending.number_settings(log, epoch, video_id, video, deadline)
        for said in ruleset.authors.values():
            if said.since is not None:
                await self._pending.number_sanction(log, epoch, video_id, said, deadline)
        self.forget(video_id)

    async def decider(
        self, posting: Posting, head: int, ruleset: Ruleset, comments: Sequence[NewComment]
    ) -> GroupDecider:
        """Decides a group that is to be numbered after `head`. Raises StoreUnavailable."""
        rules, now_s = ruleset.rules, time.time()
        slots: set[str] = set()
        if rules is not NO_RULES:
            slots = {pace.slot for one in comments for pace in paces(rules, one)}
        used: dict[str, int] = {}
        if slots:
            used = await self._slots.fetch(
                posting.video_id, head, list(slots), now_s - _longest_s(rules)
            )
        return GroupDecider(int(now_s * 1000), posting.encode, rules, ruleset.sanctions, used)

    async def keep(
        self, video_id: str, ruleset: Ruleset, decider: GroupDecider, group: Group
    ) -> bool:
        """Before the group is stored: what it leaves. False if it has to be decided again, because
        somebody else has changed the rules. Raises StoreUnavailable.
        """
        group.slots = {
            slot: (decider.now_ms, within_ms // 1000 + SLACK_S)
            for slot, within_ms in decider.taken.items()
        }
        if decider.rules is ruleset.rules:
            return True
        return await self._rules.write_staff(video_id, ruleset, decider.rules)

    def forget(self, video_id: str) -> None:
        """The rules are to be read again, whatever the head is."""
        self._rules.forget(video_id)

    async def note_waiting(self, video_id: str) -> None:
        """This process cannot win a race."""
        await self._rules.note_waiting(video_id)

    def carry_on(self, video_id: str, group: Group) -> None:
        """The group is stored."""
        self._rules.carry_on(video_id, group.head, group.new_head)

    async def fetch_used(
        self, video_id: str, head: int, rules: Rules, slots: Sequence[str]
    ) -> dict[str, int]:
        """As CommentStore.used_slots."""
        return await self._slots.fetch(video_id, head, slots, time.time() - _longest_s(rules))


def _author_ids(comments: Sequence[NewComment]) -> set[str]:
    return {one.author_id for one in comments if one.author_id}


def _longest_s(rules: Rules) -> float:
    return max(rules.settings.slow_mode_s, 0 if rules.settings.repeats else REPEATS_WITHIN_S)
