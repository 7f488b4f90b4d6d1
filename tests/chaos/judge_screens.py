"""P4, and the order of P7: each screen from its first event to its last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.history import Event, History, Rule, Seen, Watch
from tests.chaos.judge_heads import Heads
from tests.chaos.judge_log import ENTRIES, STATE, Entry, Log
from tests.chaos.judge_shown import Shown
from tests.chaos.rule_book import at_first, state_in
from tests.chaos.verdict import Ledger

MAX_REPLAY = 1_000  # a cursor further behind than this may get a gap
DEFAULT_REPLAY = 20
_CONTEXT = 3


def check_screens(history: History, log: Log, ledger: Ledger) -> None:
    """Walk over every screen."""
    shown = Shown(history, log, Heads(history, log))
    for watch in history.watches:
        _Screen(watch, history, shown, ledger).walk()
    shown.settle(ledger)


class _Screen:
    """One viewer's screen, walked from its first event to its last."""

    def __init__(self, watch: Watch, history: History, shown: Shown, ledger: Ledger) -> None:
        self._watch, self._history, self._shown, self._ledger = watch, history, shown, ledger
        self._place: int | None = None
        self._last_entry = 0
        self._ended = False
        self._index = 0
        self._resumed_with: int | None = None  # the head of the hello that has just come

    def walk(self) -> None:
        """Judge all of it."""
        act = {"hello": self._hello, "gap": self._gap, "bye": self._bye, STATE: self._state}
        act |= dict.fromkeys(ENTRIES, self._entry)
        for index, seen in enumerate(self._watch.seen()):
            self._index = index
            if seen.event.type not in ("hello", "gap", STATE):
                self._resumed_with = None
            if self._ended and seen.event.type in (*ENTRIES, "gap", "reset"):
                self._break("after its bye", seen)
            handle = act.get(seen.event.type)
            if handle is None:
                self._break("false", seen)
            else:
                handle(seen)
        self._ledger.judge("P4", len(self._watch.events) + 1)
        self._end()

    def _hello(self, seen: Seen) -> None:
        self._ended = False
        event = seen.event
        if not event.id or event.data.get("video_id") != self._watch.video_id:
            self._break("no start in, or the wrong video of", seen)
            return
        start, head = _number(event.id), _number(event.data["head"])
        if self._place is None:
            asked = self._watch.cursor
            wanted = _number(asked) if asked else max(head - DEFAULT_REPLAY, 0)
            if start != wanted:
                self._break(f"should start at {wanted}, was resumed with", seen)
        elif start != self._place:
            self._break(f"at {self._place} and resumed with", seen)
        # It may lag behind what other nodes have told, by as much as entries may come late; but
        # not run ahead.
        if head > (most := self._head_at(seen.at)):
            self._break(f"only {most} had been sent before", seen)
        self._place, self._resumed_with = start, head

    def _entry(self, seen: Seen) -> None:
        seq = seen.event.data["seq"]
        if self._place is None or seq != self._place + 1:
            self._break(_what_happened(seq, self._place), seen)
        if seen.event.id.rpartition("-")[2] != str(seq):
            self._break("another id than its own:", seen)
        if seq < self._last_entry:
            self._ledger.break_(
                "P7", f"{self._watch.name} of {self._watch.video_id} saw {self._last_entry} "
                f"before {seq}, which has an order on every other screen",
            )  # fmt: skip
        self._shown.add(self._watch, seen)
        self._place = self._last_entry = seq

    def _gap(self, seen: Seen) -> None:
        data, place = seen.event.data, self._place or 0
        first, last = data["from"], data["to"]
        if first != place + 1 or last < first or _number(seen.event.id) != last:
            self._break(f"at {self._place} and told of", seen)
        # It may only stand for what a replay could not hold then. Retention is never on here.
        elif data["reason"] == "retention" or last + MAX_REPLAY > self._head_for(
            data["reason"], seen
        ):
            self._break("a gap that hides a loss:", seen)
        self._place, self._resumed_with = last, None

    def _state(self, seen: Seen) -> None:
        """Told at the start of a stream, and only what is or was so."""
        data, index = seen.event.data, self._index
        before = self._watch.events[index - 1].type if index else ""
        if before not in ("hello", "reset", "gap"):
            self._break("not at the start of a stream:", seen)
        said = [state_in(entry) for entry in self._entries(Rule.SETTINGS)]
        if data.get("settings") not in [at_first(Rule.SETTINGS), *said]:
            self._break("nobody has ever said that:", seen)
        pins = [entry.get("comment") for entry in self._entries(Rule.PIN)]
        if data.get("pinned") not in [None, *pins]:
            self._break("nobody has ever pinned that:", seen)

    def _entries(self, rule: Rule) -> list[Entry]:
        return self._shown.log.said(self._watch.video_id, rule)

    def _head_for(self, reason: str, seen: Seen) -> int:
        """What a gap may have been counted from: `limit` from the head of the hello before it,
        `memory` from whatever the head was when the node gave up.
        """
        if reason == "limit":
            return -1 if self._resumed_with is None else self._resumed_with
        return self._head_at(seen.at)

    def _bye(self, seen: Seen) -> None:
        self._ended = True
        if seen.event.data.get("reason") not in ("drain", "slow", "shed", "unavailable"):
            self._break("false", seen)

    def _end(self) -> None:
        watch = self._watch
        if watch.fatal is not None:
            line = f"{watch.name}: a browser would have given up on {watch.video_id}: {watch.fatal}"
            self._ledger.break_("P4", line)
        elif watch.left_at is None and self._place != len(self._stored):
            self._ledger.break_(
                "P4", f"{watch.name} of {watch.video_id} lost the end: it stands at {self._place}, "
                f"the head is {len(self._stored)}; last seen: {self._context()}",
            )  # fmt: skip

    @property
    def _stored(self) -> Sequence[Mapping[str, Any]]:
        return self._history.stored.get(self._watch.video_id, [])

    def _head_at(self, at: float) -> int:
        """The highest that the head can have been then: what had been sent by that time."""
        return self._shown.heads.at_most(self._watch.video_id, at)

    def _break(self, how: str, seen: Seen) -> None:
        watch, began_at = self._watch, self._history.began_at
        self._ledger.break_(
            "P4", f"{watch.name} of {watch.video_id}, {seen.at - began_at:.3f} s: {how} "
            f"{seen.event.type} {seen.event.id} {_brief(seen.event)}; events: {self._context()}",
        )  # fmt: skip

    def _context(self) -> str:
        events = self._watch.events[max(self._index - _CONTEXT, 0) : self._index + _CONTEXT]
        return " ".join(f"{event.type}:{event.id.rpartition('-')[2]}" for event in events)


def _what_happened(seq: int, place: int | None) -> str:
    if place is None:
        return "before any hello"
    return f"after {place} " + ("lost, then" if seq > place else "repeated or swapped")


def _number(event_id: str) -> int:
    return int(event_id.rpartition("-")[2])


def _brief(event: Event) -> str:
    return "" if event.type in ENTRIES else str(event.data)
