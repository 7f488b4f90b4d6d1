"""P7 and the shown half of P5: what came to screens, against the store and the other screens.

A comment that was removed has two faces, itself and its tombstone, which agree; so has an entry
that had restored or pinned it before. When which of them may be shown is judged in `judge_hidden`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.chaos.history import Deed, Event, History, Seen, Watch
from tests.chaos.judge_heads import Heads
from tests.chaos.judge_log import COMMENT, PINNED, TOMBSTONE, Entry, Log, frame_of, kind_of
from tests.chaos.verdict import Ledger

RESTORED = Deed.RESTORE.value


@dataclass(slots=True)
class Shown:
    """Every entry that was on some screen: an event that looked the same is looked at once."""

    history: History
    log: Log
    heads: Heads
    first_seen: dict[int, tuple[float, Watch, Event]] = field(default_factory=dict)
    by_number: dict[tuple[str, int, str], Event] = field(default_factory=dict)
    deliveries: int = 0

    def add(self, watch: Watch, seen: Seen) -> None:
        """One entry on one screen."""
        self.deliveries += 1
        known = self.first_seen.get(id(seen.event))
        if known is None or seen.at < known[0]:
            self.first_seen[id(seen.event)] = (seen.at, watch, seen.event)

    def settle(self, ledger: Ledger) -> None:
        """Hold everything that was shown against the store, the calls and the other screens."""
        ledger.judge("P5", self.deliveries)
        ledger.judge("P7", self.deliveries)
        for at, watch, event in self.first_seen.values():
            video_id, seq = watch.video_id, event.data.get("seq", 0)
            if not self._is_stored(video_id, event, self.log.entry(video_id, seq)):
                ledger.break_("P5", f"{watch.name} was shown what is not stored: {event.data}")
            elif at < self._asked_at(video_id, event, at):
                ledger.break_(
                    "P5", f"{watch.name} was shown {event.data} before it was posted, or asked for"
                )
            for name in (event.type, ""):
                other = self.by_number.setdefault((video_id, seq, name), event)
                if not _agree(other, event):
                    ledger.break_(
                        "P7", f"two viewers of {video_id} saw different things as {seq}:\n"
                        f"{other.data}\n{event.data}",
                    )  # fmt: skip

    def _is_stored(self, video_id: str, event: Event, stored: Entry | None) -> bool:
        """The same, or the other face of the same comment."""
        if stored is None or event.type != kind_of(event.data):
            return False
        if event.type == kind_of(stored):
            return stored == event.data
        if frame_of(event.data) != frame_of(stored):
            return False
        if kind_of(stored) == TOMBSTONE and event.type in (RESTORED, PINNED):
            return self.log.withdrawn.get((video_id, event.data["seq"])) == event.data
        if {event.type, kind_of(stored)} != {COMMENT, TOMBSTONE}:
            return False
        if event.type == TOMBSTONE:
            return True
        told = self.log.comment(video_id, stored)
        author = self.log.posted.get((video_id, event.data["text"]))
        return author == event.data["author"] and told in (None, event.data)

    def _asked_at(self, video_id: str, event: Event, otherwise: float) -> float:
        if event.type == COMMENT:
            return self.heads.invoked_at.get((video_id, event.data["text"]), otherwise)
        if event.type == TOMBSTONE:
            return self.log.removed_at((video_id, event.data["seq"]))
        return self.log.asked_at(video_id, event.data)


def _agree(one: Event, other: Event) -> bool:
    if one.type == other.type:
        return (one.id, one.data) == (other.id, other.data)
    faces = {one.type, other.type} in [{kind, TOMBSTONE} for kind in (COMMENT, RESTORED, PINNED)]
    return faces and one.id == other.id and frame_of(one.data) == frame_of(other.data)
