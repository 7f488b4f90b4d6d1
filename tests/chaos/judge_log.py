"""The stored log as the judge reads it: entries by number, notices by their target, the decisions
that explain each notice, the rulings that explain other entries, and what was told of comments
whose text is not stored any more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.chaos.history import Decision, Deed, History, Outcome, Rule, Ruling
from tests.chaos.purges import find_purges
from tests.chaos.rule_book import RULES, Subject, asks_for, state_in, subject_of

COMMENT, TOMBSTONE = "comment", "tombstone"
NOTICES = (Deed.REMOVE.value, Deed.RESTORE.value)
STATE = "state"  # no entry: what a stream is told at its start
PINNED = Rule.PIN.value
ENTRIES = (COMMENT, TOMBSTONE, *NOTICES, *RULES)  # the events with a number of their own
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


def repeated_by(entry: Entry) -> int:
    """The comment whose text a restoration or a pin has; 0 if none."""
    if kind_of(entry) not in (Deed.RESTORE.value, PINNED):
        return 0
    return int((entry.get("comment") or {}).get("seq", 0))


def frame_of(entry: Entry) -> dict[str, Any]:
    """What a comment and its tombstone have in common."""
    return {name: entry.get(name) for name in ("id", "video_id", "seq", "created_at")}


def _is_pin(entry: Entry) -> bool:
    return kind_of(entry) == PINNED and entry.get("comment") is not None


class Log:
    """Of a whole history. `purges`: what each of them must have removed, as a decision."""

    def __init__(self, history: History) -> None:
        self.stored = history.stored
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
        self.rulings: dict[Subject, list[Ruling]] = defaultdict(list)
        for ruling in history.rulings:
            subject = subject_of(ruling.video_id, ruling.rule, ruling.said)
            self.rulings[subject].append(ruling)
        self.withdrawn: dict[Target, Entry] = {}
        self._find_withdrawn(history)
        self._said: dict[tuple[str, Rule], list[Entry]] = defaultdict(list)
        for video_id, stored in history.stored.items():
            for entry in stored:
                face = self.withdrawn.get((video_id, entry["seq"]), entry)
                if kind_of(face) in RULES:
                    self._said[video_id, Rule(kind_of(face))].append(face)
        self.purges: list[Decision] = []
        for purge in find_purges(history, self._told):
            self._note_purge(purge)

    def _note_purge(self, purge: Decision) -> None:
        self.purges.append(purge)
        for seq in purge.targets:
            self.decisions[purge.video_id, seq].append(purge)

    def _find_withdrawn(self, history: History) -> None:
        """Restorations and pins whose comment was removed later: a tombstone is in their place that
        names nothing. What they were is known from screens and answers, else from where one is
        missing.
        """
        shown = {
            (watch.video_id, event.data["seq"]): event.data
            for watch in history.watches
            for event in watch.events
            if event.type == Deed.RESTORE.value or _is_pin(event.data)
        }
        shown |= {
            (ruling.video_id, notice["seq"]): notice
            for ruling in history.rulings
            for _, notice in ruling.notices
            if _is_pin(notice)
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
                if _is_pin(found):
                    continue
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
        stored = self.stored.get(video_id, [])
        return stored[seq - 1] if 0 < seq <= len(stored) else None

    def said(self, video_id: str, rule: Rule) -> list[Entry]:
        """The entries of rulings about this, in order; also those that are tombstones now."""
        return self._said[video_id, rule]

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
        """When a notice or a ruling was first asked for; infinity if nobody did."""
        if kind_of(notice) in RULES:
            subject = subject_of(video_id, Rule(kind_of(notice)), notice)
            rulings = self.rulings.get(subject, ())
            asked = (one for one in rulings if one.calls and asks_for(one, state_in(notice)))
            return min((one.invoked_at for one in asked), default=math.inf)
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
            target = (target[0], repeated_by(self.withdrawn[target]))
        decisions = self.decisions.get(target, ())
        asked = (one.invoked_at for one in decisions if one.deed is Deed.REMOVE)
        return min(asked, default=math.inf)

    def purged_at(self, video_id: str, author_id: str) -> float:
        """When somebody first asked for all that an author had written there to be removed;
        infinity if nobody did.
        """
        subject = subject_of(video_id, Rule.SANCTION, {"author_id": author_id})
        asked = (one.invoked_at for one in self.rulings.get(subject, ()) if one.said.get("purge"))
        return min(asked, default=math.inf)
