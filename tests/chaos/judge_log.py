"""The stored log as the judge reads it: entries by number, notices by their target, the decisions
that explain each notice, and what was told of comments whose text is not stored any more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.chaos.history import Decision, Deed, History, Outcome

COMMENT, TOMBSTONE = "comment", "tombstone"
NOTICES = (Deed.REMOVE.value, Deed.RESTORE.value)
ENTRIES = (COMMENT, TOMBSTONE, *NOTICES)  # the events with a number of their own
Entry = Mapping[str, Any]
Target = tuple[str, int]  # (video, number of a comment)


def kind_of(entry: Entry) -> str:
    """The name of an entry's event."""
    return str(entry.get("type", COMMENT))


def targets_of(entry: Entry) -> tuple[int, ...]:
    """The comments that a notice speaks of; none for what is no notice."""
    if kind_of(entry) == Deed.REMOVE.value:
        return tuple(entry.get("targets", ()))
    if kind_of(entry) == Deed.RESTORE.value:
        return (entry.get("comment", {}).get("seq", 0),)
    return ()


def frame_of(entry: Entry) -> dict[str, Any]:
    """What a comment and its tombstone have in common."""
    return {name: entry.get(name) for name in ("id", "video_id", "seq", "created_at")}


class Log:
    """Of a whole history."""

    def __init__(self, history: History) -> None:
        self._stored = history.stored
        self._told: dict[Target, Entry] = {}
        self.posted: dict[tuple[str, str], str] = {}  # (video, text) -> its author
        for post in history.posts:
            self.posted[post.video_id, post.text] = post.author
            for call in post.acks:
                answer = call.answer or {}
                self._told.setdefault((post.video_id, answer.get("seq", 0)), answer)
        self.decisions: dict[Target, list[Decision]] = defaultdict(list)
        for decision in history.decisions:
            for seq in decision.targets if decision.calls else ():
                self.decisions[decision.video_id, seq].append(decision)
        self.notices: dict[Target, list[Entry]] = defaultdict(list)
        for video_id, stored in history.stored.items():
            for entry in stored:
                for seq in targets_of(entry):
                    self.notices[video_id, seq].append(entry)
        self.withdrawn: dict[Target, Entry] = {}
        self._find_withdrawn(history)

    def _find_withdrawn(self, history: History) -> None:
        """Restorations whose comment was removed again: a tombstone is in their place that names
        nothing. What they were is known from screens, else from where one is missing.
        """
        shown = {
            (watch.video_id, event.data["seq"]): event.data
            for watch in history.watches
            for event in watch.events
            if event.type == Deed.RESTORE.value
        }
        unnamed = [
            (video_id, entry["seq"])
            for video_id, stored in history.stored.items()
            for entry in stored
            if kind_of(entry) == TOMBSTONE and (video_id, entry["seq"]) not in self.notices
        ]
        # Those that were seen first: then fewer places are left for the others.
        for number in sorted(unnamed, key=lambda number: number not in shown):
            found = shown.get(number) or self._missing_at(*number)
            if found is not None:
                self.withdrawn[number] = found
                notices = self.notices[number[0], targets_of(found)[0]]
                notices.append(found)
                notices.sort(key=lambda notice: int(notice["seq"]))

    def _missing_at(self, video_id: str, number: int) -> Entry | None:
        """A restoration that nobody saw, since its comment was removed again at once: of the
        comment that was removed twice most closely around it, with a restoration asked for.
        """
        gaps = [
            (other["seq"] - one["seq"], seq)
            for (video, seq), decisions in self.decisions.items()
            if video == video_id and any(each.deed is Deed.RESTORE for each in decisions)
            for one, other in pairwise(self.notices.get((video, seq), ()))
            if one["seq"] < number < other["seq"]
            and kind_of(one) == kind_of(other) == Deed.REMOVE.value
        ]
        if not gaps:
            return None
        comment = {"seq": min(gaps)[1]}
        return {"type": Deed.RESTORE.value, "seq": number, "comment": comment}

    def entry(self, video_id: str, seq: int) -> Entry | None:
        """What is stored under a number."""
        stored = self._stored.get(video_id, [])
        return stored[seq - 1] if 0 < seq <= len(stored) else None

    def comment(self, video_id: str, entry: Entry) -> Entry | None:
        """The comment that an entry is, or was as far as anybody was told."""
        if kind_of(entry) == COMMENT:
            return entry
        return self._told.get((video_id, entry["seq"])) if kind_of(entry) == TOMBSTONE else None

    def explained_by(self, video_id: str, notice: Entry) -> Iterator[Decision]:
        """The decisions that may have made a notice: it says what they wanted, and no more. (Less,
        if the rest was so already.)
        """
        targets = targets_of(notice)
        for decision in self.decisions.get((video_id, targets[0]), ()) if targets else ():
            if decision.deed.value == kind_of(notice) and set(targets) <= set(decision.targets):
                yield decision

    def asked_at(self, video_id: str, notice: Entry) -> float:
        """When a notice was first asked for; infinity if nobody did."""
        found = self.explained_by(video_id, notice)
        return min((decision.invoked_at for decision in found), default=math.inf)

    def is_open(self, target: Target, deed: Deed) -> bool:
        """Whether some such decision was never answered: it may be half done."""
        decisions = self.decisions.get(target, ())
        return any(one.deed is deed and one.outcome is Outcome.UNKNOWN for one in decisions)

    def removed_at(self, target: Target) -> float:
        """When somebody first asked for a comment to be removed, or for that which a restoration
        had shown again; infinity if nobody did.
        """
        if target in self.withdrawn:
            target = (target[0], targets_of(self.withdrawn[target])[0])
        decisions = self.decisions.get(target, ())
        asked = (one.invoked_at for one in decisions if one.deed is Deed.REMOVE)
        return min(asked, default=math.inf)
