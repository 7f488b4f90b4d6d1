"""Rules as of the head: what decides the comments of a group.

Invariants: what is numbered N + 1 under the condition that the head is N is decided by rules that
were read after this process knew for certain that the head is N or more. A ruling writes its row,
and numbers its entry only when the row is stored for certain, so that every later read finds it, at
any level that the commit was made at too. So whoever numbers a comment above the entry knew a head
at or above the entry, and read the rules after that.

Rules that were read are kept with the head that they are as of. A commit of this process carries
them on from its head to its new one, for it alone moved the head, and with comments. Whatever else
moves the head leaves them behind; the next group reads them again.

So does every CARRIED_AT_MOST-th group, and from the CARRIED_AT_LEAST-th on one that comes
CARRIED_FOR_S after they were read, for the sake of other writers: where one writer stores group
after group, nobody else wins the race for a number. This one meets their ruling when it reads, and
numbers its entry; or that they wait, and lets them. A quiet video hardly ever pays for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from writer.recent_values import RecentValues
from writer.rules import Rules, Sanction
from writer.stepwise.ports import RuleTable
from writer.stepwise.rule_rows import VIDEO, WAITING, RuleRows, SaidOfAuthor

MAX_RULES_KNOWN = 50_000  # videos
MAX_AUTHORS_KNOWN = 100_000  # of videos with sanctions
CARRIED_AT_MOST = 50  # groups; less than fit into the time that a ruling has
CARRIED_AT_LEAST = 10
CARRIED_FOR_S = 0.5  # on a slow store they would not; and it notes for 2 s only that somebody waits


@dataclass(slots=True)
class _Known:
    """Rules as of a head. Authors of which something is known belong to one of these. carried: over
    how many groups since they were read; read_at: when that was, as the `now` of RulesAsOf.
    """

    head: int
    rows: RuleRows
    carried: int = 0
    read_at: float = 0.0

    def is_due(self, now: float) -> bool:
        """Whether they are to be read again, for the sake of others."""
        return self.carried >= CARRIED_AT_MOST or (
            self.carried >= CARRIED_AT_LEAST and now - self.read_at > CARRIED_FOR_S
        )


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What decides a group: the video's part, and what is said of its authors, if anything is.
    others_wait: whether another writer could not win a race for a number of late.
    """

    rows: RuleRows
    authors: Mapping[str, SaidOfAuthor] = field(default_factory=dict)
    others_wait: bool = False

    @property
    def rules(self) -> Rules:
        """Of the video."""
        return self.rows.video.rules

    @property
    def sanctions(self) -> dict[str, Sanction]:
        """By author."""
        return {author_id: said.sanction for author_id, said in self.authors.items()}

    @property
    def unnumbered(self) -> bool:
        """Whether an entry of what decides the group may not be numbered yet."""
        return self.rows.video.settings_since is not None or any(
            said.since is not None for said in self.authors.values()
        )


class RulesAsOf:
    """Owns the rules that this process knows, with the heads that they are as of."""

    def __init__(self, rows: RuleTable, now: Callable[[], float] = time.monotonic) -> None:
        self._rows, self._now = rows, now
        self._known = RecentValues[str, _Known](MAX_RULES_KNOWN)
        # With what they are as of: without it they count for nothing.
        self._authors = RecentValues[tuple[str, str], tuple[_Known, SaidOfAuthor | None]](
            MAX_AUTHORS_KNOWN
        )

    def find(self, video_id: str, head: int, author_ids: Collection[str]) -> Ruleset | None:
        """What is known as of this head, None if not all of it is."""
        known = self._known.get(video_id)
        if known is None or known.head != head or known.is_due(self._now()):
            return None
        if not known.rows.video.rules.sanctions:
            return Ruleset(known.rows)
        authors: dict[str, SaidOfAuthor] = {}
        for author_id in author_ids:
            of, said = self._authors.get((video_id, author_id)) or (None, None)
            if of is not known:
                return None
            if said is not None:
                authors[author_id] = said
        return Ruleset(known.rows, authors)

    async def fetch(self, video_id: str, head: int, author_ids: Collection[str]) -> Ruleset:
        """Read them; this process knows for certain that the head is `head`. Raises
        StoreUnavailable.
        """
        began = self._now()
        found = await self._rows.fetch(video_id, [WAITING, *author_ids])
        rows = RuleRows(
            {part: row for part, row in found.rows.items() if part == VIDEO}, found.video
        )
        ruleset = Ruleset(rows, found.authors, WAITING in found.rows)
        known = self._known.get(video_id)
        if known is not None and known.head > head:
            return ruleset  # another call knows more by now
        if known is None or known.head != head or known.rows.rows != rows.rows:
            known = _Known(head, rows)
            self._known.put(video_id, known)
        known.carried, known.read_at = 0, began
        if rows.video.rules.sanctions:
            for author_id in author_ids:
                said = found.authors.get(author_id)
                self._authors.put((video_id, author_id), (known, said))
        return ruleset

    async def note_waiting(self, video_id: str) -> None:
        """This process cannot win a race."""
        await self._rows.note_waiting(video_id)

    def carry_on(self, video_id: str, head: int, new_head: int) -> None:
        """This process has stored comments, and nothing else, under the condition that the head was
        `head`.
        """
        known = self._known.get(video_id)
        if known is not None and known.head == head:
            known.head = new_head
            known.carried += 1

    def forget(self, video_id: str) -> None:
        """To be read again, whatever the head is."""
        self._known.forget(video_id)

    async def write_staff(self, video_id: str, ruleset: Ruleset, rules: Rules) -> bool:
        """Before a group is stored whose authors changed the staff: `rules` have it. False if
        somebody else has changed the rules. Raises StoreUnavailable.
        """
        said = msgspec.structs.replace(ruleset.rows.video, rules=rules)
        change = ruleset.rows.change(VIDEO, said)
        if not await self._rows.write(video_id, [change]):
            self.forget(video_id)
            return False
        known = self._known.get(video_id)
        if known is not None and known.rows.rows == ruleset.rows.rows:
            known.rows = ruleset.rows.changed([change])
        return True
