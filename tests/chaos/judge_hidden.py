"""R3 and R8: the text of a removed comment comes to nobody any more, nor does that of a pin.

- Once any stream of a node has shown the notice, no stream of that node shows the text, but for
  what was on its way already.
- A stream that was opened when the removal had been answered and every node had to know of it (the
  bound of P8, and of the troubles) shows a tombstone.
- From the answer on the idempotency key does not give the text, and no entry of the log has it.

R8 is the same for entries that pinned it and for the `state` at the start of a stream. A
restoration that somebody has asked for since allows all of it again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.history import Deed, History, Rule, Seen, Stream, Watch
from tests.chaos.judge_due import Due
from tests.chaos.judge_log import (
    COMMENT,
    PINNED,
    STATE,
    TOMBSTONE,
    Entry,
    Log,
    Target,
    kind_of,
    repeated_by,
    targets_of,
)
from tests.chaos.judge_redactions import tombstone_says_more
from tests.chaos.judge_times import LATE_S
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

_REMOVED, _RESTORED = Deed.REMOVE.value, Deed.RESTORE.value


def check_hidden(history: History, log: Log, ledger: Ledger) -> None:
    """Look at every text of a comment that was removed at some time."""
    hidden = _Hidden(history, log)
    for watch in history.watches:
        if watch.video_id in hidden.videos:
            _check_screen(history, watch, hidden, ledger)
    _check_repeats(history, hidden, ledger)
    _check_log(hidden, ledger)


@dataclass(slots=True)
class _Removal:
    """One notice. `asked_at`: by the first call that it may answer; `shown_at`: node -> when the
    first of its streams showed it.
    """

    notice: int
    asked_at: float = math.inf
    answered_at: float = math.inf
    shown_at: dict[str, float] = field(default_factory=dict)


class _Hidden:
    """All removals of each comment, and when it was asked for to be restored."""

    def __init__(self, history: History, log: Log) -> None:
        self.log = log
        self.due = Due.of_comments(history)
        self.removals: dict[Target, list[_Removal]] = defaultdict(list)
        by_notice: dict[Target, _Removal] = defaultdict(lambda: _Removal(0))
        for video_id, stored in history.stored.items():
            for entry in stored:
                if kind_of(entry) == _REMOVED:
                    removal = by_notice[video_id, entry["seq"]] = _Removal(entry["seq"])
                    for seq in targets_of(entry):
                        self.removals[video_id, seq].append(removal)
        self.videos = {video_id for video_id, _ in self.removals}
        self._note_answers(history, by_notice)
        self._note_screens(history, by_notice)

    def forbids(self, target: Target, at: float) -> Iterator[_Removal]:
        """The removals since which nobody had asked to restore it, until then."""
        for removal in self.removals.get(target, ()):
            if not any(
                decision.deed is Deed.RESTORE and removal.asked_at <= decision.invoked_at <= at
                for decision in self.log.decisions.get(target, ())
            ):
                yield removal

    def _note_answers(self, history: History, by_notice: dict[Target, _Removal]) -> None:
        for decision in history.decisions:
            for at, notice in decision.notices:
                removal = by_notice[decision.video_id, notice.get("seq", 0)]
                removal.asked_at = min(removal.asked_at, decision.invoked_at)
                removal.answered_at = min(removal.answered_at, at)
        for purge in self.log.purges:
            for removal in (one for seq in purge.targets for one in self._of(purge.video_id, seq)):
                removal.answered_at = min(removal.answered_at, purge.answered_at)
        for (video_id, seq), removal in by_notice.items():
            if removal.asked_at == math.inf and (entry := self.log.entry(video_id, seq)):
                removal.asked_at = self.log.asked_at(video_id, entry)

    def _of(self, video_id: str, seq: int) -> list[_Removal]:
        return self.removals.get((video_id, seq), [])

    def _note_screens(self, history: History, by_notice: dict[Target, _Removal]) -> None:
        for watch in history.watches:
            for seen in watch.seen() if watch.video_id in self.videos else ():
                if seen.event.type == _REMOVED and (stream := _stream_at(watch, seen.at)):
                    shown_at = by_notice[watch.video_id, seen.event.data["seq"]].shown_at
                    shown_at[stream.node] = min(seen.at, shown_at.get(stream.node, math.inf))


def _check_screen(history: History, watch: Watch, hidden: _Hidden, ledger: Ledger) -> None:
    for seen in watch.seen():
        if seen.event.type == TOMBSTONE and tombstone_says_more(seen.event.data):
            ledger.break_("R3", f"{watch.name} got a tombstone that says more: {seen.event.data}")
        target = (watch.video_id, _text_of(seen))
        if target not in hidden.removals:
            continue
        law = "R8" if seen.event.type in (PINNED, STATE) else "R3"
        ledger.judge(law)
        stream = _stream_at(watch, seen.at)
        for removal in hidden.forbids(target, seen.at) if stream else ():
            if why := _too_late(removal, seen, stream, hidden.due):
                ledger.break_(
                    law, f"{watch.name} of {watch.video_id} was shown the text of {target[1]} as "
                    f"{seen.event.type} {seen.event.id} at {seen.at - history.began_at:.3f} s, "
                    f"though it was removed by {removal.notice}: {why}",
                )  # fmt: skip


def _too_late(removal: _Removal, seen: Seen, stream: Stream | None, due: Due) -> str:
    """Why the text may not be shown then; "" if it may."""
    if stream is None:
        return ""
    shown_at = removal.shown_at.get(stream.node, math.inf)
    if seen.at > due.after(shown_at, LATE_S * TIMEOUT_FACTOR):
        return f"{stream.node} had shown that {seen.at - shown_at:.3f} s before"
    if stream.opened_at > due.after(removal.answered_at):
        late_s = stream.opened_at - removal.answered_at
        return f"the stream was opened {late_s:.3f} s after the answer"
    return ""


def _check_repeats(history: History, hidden: _Hidden, ledger: Ledger) -> None:
    for post in history.posts:
        for call in post.acks:
            target = (post.video_id, (call.answer or {}).get("seq", 0))
            if target not in hidden.removals:
                continue
            ledger.judge("R3")
            for removal in hidden.forbids(target, call.returned_at):
                if call.invoked_at > removal.answered_at:
                    ledger.break_(
                        "R3", f"key {post.key} of {post.video_id} was told the text of {target[1]} "
                        f"again, {call.invoked_at - removal.answered_at:.3f} s after it had been "
                        f"removed by {removal.notice}",
                    )  # fmt: skip


def _check_log(hidden: _Hidden, ledger: Ledger) -> None:
    """A comment that was restored or pinned is whole in that entry too."""
    pins: dict[Target, list[Entry]] = defaultdict(list)
    for video_id in hidden.log.stored:
        for entry in hidden.log.said(video_id, Rule.PIN):
            pins[video_id, repeated_by(entry)].append(entry)
            ledger.judge("R8")
    for (video_id, seq), removals in hidden.removals.items():
        notices = hidden.log.notices[video_id, seq]
        ledger.judge("R3")
        if kind_of(notices[-1]) != _REMOVED or removals[-1].answered_at == math.inf:
            continue
        again = (*notices, *pins.get((video_id, seq), ()))
        for notice in (hidden.log.entry(video_id, one["seq"]) or {} for one in again):
            if _has_text(notice.get("comment") or {}):
                ledger.break_(
                    "R8" if kind_of(notice) == PINNED else "R3",
                    f"{video_id} {seq} was removed by {removals[-1].notice}, and entry "
                    f"{notice['seq']} of the log has its text: {notice}",
                )


def _text_of(seen: Seen) -> int:
    """The comment whose text an event has; 0 if none."""
    data: Any = seen.event.data
    if seen.event.type in (_RESTORED, PINNED):
        data = data.get("comment") or {}
    elif seen.event.type == STATE:
        data = data.get("pinned") or {}
    elif seen.event.type != COMMENT:
        return 0
    return int(data.get("seq", 0)) if _has_text(data) else 0


def _has_text(entry: Entry) -> bool:
    return kind_of(entry) == COMMENT and "text" in entry


def _stream_at(watch: Watch, at: float) -> Stream | None:
    """The stream that an event came on."""
    count = bisect_right(watch.streams, at, key=lambda stream: stream.opened_at)
    return watch.streams[count - 1] if count else None
