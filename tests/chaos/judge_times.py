"""P8: outside of troubles, and again within a bound after each, everything comes in time.

Two kinds of facts: a comment acknowledged at some time reaches every viewer that was there, and a
call to the gateway gets its answer (a viewer that connects, its stream). `felt_s` measures how long
each trouble was really felt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator

from tests.chaos.history import Call, History, Outcome, Trouble, Watch
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

# A lost forward costs one probe (2 s), its repair, and what a busy machine adds; see the bounds.
STEADY_S = 4.0 * TIMEOUT_FACTOR
LATE_S = 1.0  # what counts as felt


class Due:
    """Until when a comment must be seen: soon, or when the troubles it meets are over."""

    def __init__(self, troubles: list[Trouble], steady_s: float = STEADY_S) -> None:
        felt = (trouble for trouble in troubles if not trouble.only_routes)
        self._troubles = sorted(felt, key=lambda trouble: trouble.began_at)
        self._steady_s = steady_s

    def after(self, acked_at: float) -> float:
        """The deadline of what was acknowledged then."""
        deadline = acked_at + self._steady_s
        for trouble in self._troubles:
            if trouble.began_at <= deadline and trouble.over_at > acked_at:
                deadline = max(deadline, trouble.over_at)
        return deadline

    def is_troubled(self, begin: float, end: float) -> bool:
        """Whether any trouble falls into this time."""
        return any(t.began_at <= end and begin <= t.over_at for t in self._troubles)


def check_times(history: History, ledger: Ledger) -> None:
    """Note late comments and calls that failed although nothing was wrong."""
    due = Due(history.troubles)
    deadlines = {key: due.after(at) for key, at in _acked_at(history).items()}
    for watch in history.watches:
        ledger.judge("P8", len(watch.events))
        _check_connects(history, watch, due, ledger)
        for video_id, seq, at in _live(watch):
            deadline = deadlines.get((video_id, seq), math.inf)
            if at > deadline:
                ledger.break_(
                    "P8", f"{watch.name} saw {video_id} {seq} at {at - history.began_at:.3f} s, "
                    f"{at - deadline:.3f} s after it was due",
                )  # fmt: skip
    for post in history.posts:
        for call in post.calls:
            if _should_be_answered(call) and not due.is_troubled(call.invoked_at, call.returned_at):
                ledger.expect(
                    "P8",
                    call.outcome is not Outcome.UNKNOWN and call.status != 503,
                    f"no answer though nothing was wrong: key {post.key} of {post.video_id}, "
                    f"status {call.status}, from {call.invoked_at - history.began_at:.3f} s to "
                    f"{call.returned_at - history.began_at:.3f} s",
                )


def _check_connects(history: History, watch: Watch, due: Due, ledger: Ledger) -> None:
    ledger.judge("P8", len(watch.streams))
    for refusal in watch.refused:
        ledger.expect(
            "P8",
            due.is_troubled(refusal.tried_at, refusal.failed_at),
            f"{watch.name} of {watch.video_id} got no stream though nothing was wrong, at "
            f"{refusal.failed_at - history.began_at:.3f} s: {refusal.why}",
        )


def felt_s(history: History) -> list[tuple[Trouble, float]]:
    """Each trouble, and how long after its end something was still late or refused (0: nothing).
    What comes after the next trouble has begun is that one's.
    """
    effects = [*_late_deliveries(history), *_failed_calls(history)]
    found = []
    for trouble in history.troubles:
        later = [t.began_at for t in history.troubles if t.began_at > trouble.began_at]
        until = min(later, default=math.inf)
        mine = [end for begin, end in effects if begin < until and trouble.began_at <= end < until]
        found.append((trouble, max([trouble.ended_at, *mine]) - trouble.ended_at))
    return found


def _late_deliveries(history: History) -> Iterator[tuple[float, float]]:
    """(acknowledged, seen) of comments that were late enough to be felt."""
    acked_at = _acked_at(history)
    for watch in history.watches:
        for video_id, seq, at in _live(watch):
            acked = acked_at.get((video_id, seq), math.inf)
            if at - acked > LATE_S:
                yield acked, at


def _failed_calls(history: History) -> Iterator[tuple[float, float]]:
    for post in history.posts:
        for call in post.calls:
            failed = call.outcome is Outcome.UNKNOWN or call.status == 503
            if failed and _should_be_answered(call):
                yield call.invoked_at, call.returned_at


def _acked_at(history: History) -> dict[tuple[str, int], float]:
    """When each comment was first acknowledged."""
    found: dict[tuple[str, int], float] = {}
    for post in history.posts:
        for call in post.acks[:1]:
            found[post.video_id, (call.answer or {}).get("seq", 0)] = call.returned_at
    return found


def _live(watch: Watch) -> Iterator[tuple[str, int, float]]:
    """Comments on a screen with their times, without those that were old when the viewer came."""
    old: int | None = None
    for at, event in zip(watch.times, watch.events, strict=True):
        if event.type == "hello" and old is None:
            old = int(event.data["head"].rpartition("-")[2])
        elif event.type == "comment" and old is not None and event.data["seq"] > old:
            yield watch.video_id, event.data["seq"], at


def _should_be_answered(call: Call) -> bool:
    return call.patience_s >= 1.0 and call.returned_at < math.inf


def deliveries_between(watch: Watch, begin: float, end: float) -> int:
    """Comments that came to a screen in this time."""
    low, high = bisect_right(watch.times, begin), bisect_right(watch.times, end)
    return sum(event.type == "comment" for event in watch.events[low:high])
