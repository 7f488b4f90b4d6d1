"""P8: outside of troubles, and again within a bound after each, everything comes in time.

Entries that are known to be stored reach every viewer that was there (also the one that leaves
later), and calls to the gateway get their answer. `impact_s` measures how long each trouble was
really observed.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.chaos.history import Call, History, Outcome, Trouble, Watch
from tests.chaos.judge_due import Due, acked_at, known_at, live_entries, resumed_at
from tests.chaos.verdict import Ledger

LATE_S = 1.0  # what counts as an impact
_Times = Mapping[tuple[str, int], float]


def check_times(history: History, ledger: Ledger) -> None:
    """Note late entries and calls that failed although nothing was wrong."""
    due = Due.of_comments(history)
    deadlines = {key: due.after(at) for key, at in known_at(history).items()}
    for watch in history.watches:
        _check_screen(history, watch, deadlines, ledger)
    _check_leavers(history, due, deadlines, ledger)
    for what, calls in _all_calls(history):
        _check_answers(history, what, calls, due, ledger)


def _check_screen(history: History, watch: Watch, deadlines: _Times, ledger: Ledger) -> None:
    for seq, at in live_entries(watch):
        deadline = deadlines[watch.video_id, seq]
        ledger.judge("P8")
        if at > deadline:
            ledger.break_(
                "P8", f"{watch.name} saw {watch.video_id} {seq} at {at - history.began_at:.3f} s, "
                f"{at - deadline:.3f} s after it was due",
            )  # fmt: skip


def _check_leavers(history: History, due: Due, deadlines: _Times, ledger: Ledger) -> None:
    """Who leaves must have had what was due before: nobody else would tell that it never came."""
    by_video: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for (video_id, seq), deadline in deadlines.items():
        by_video[video_id].append((deadline, seq))
    highest = {video_id: _running_maximum(found) for video_id, found in by_video.items()}
    for watch in history.watches:
        # What was stored before it came is due as if it had been stored when it came.
        if watch.left_at is None or due.after(resumed_at(watch)) >= watch.left_at:
            continue
        found = highest.get(watch.video_id, [])
        count = bisect_right(found, (watch.left_at, 0))
        wanted = found[count - 1][1] if count else 0
        ledger.expect(
            "P8",
            watch.head >= wanted,
            f"{watch.name} of {watch.video_id} left at {watch.left_at - history.began_at:.3f} s "
            f"and stood at {watch.head}; {wanted} was due on its screen before",
        )


def _running_maximum(found: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """By deadline: the highest number that is due until then."""
    rising, highest = [], 0
    for deadline, seq in sorted(found):
        highest = max(highest, seq)
        rising.append((deadline, highest))
    return rising


def _all_calls(history: History) -> Iterator[tuple[str, list[Call]]]:
    """What was called for, and its calls."""
    for post in history.posts:
        yield f"key {post.key} of {post.video_id}", post.calls
    for one in history.decisions:
        yield f"{one.targets} of {one.video_id} to be {one.deed.value}", one.calls
    for choice in history.choices:
        yield f"{choice.by} about key {choice.key} of {choice.video_id}", choice.calls
    for ruling in history.rulings:
        yield f"{ruling.rule.value} of {ruling.video_id}: {ruling.said}", ruling.calls


def _check_answers(
    history: History, what: str, calls: list[Call], due: Due, ledger: Ledger
) -> None:
    for call in calls:
        if _should_be_answered(call) and not due.is_troubled(call.invoked_at, call.returned_at):
            ledger.expect(
                "P8",
                call.outcome is not Outcome.UNKNOWN and call.status != 503,
                f"no answer though nothing was wrong: {what}, "
                f"status {call.status}, from {call.invoked_at - history.began_at:.3f} s to "
                f"{call.returned_at - history.began_at:.3f} s",
            )


def impact_s(history: History) -> list[tuple[Trouble, float]]:
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
    """(acknowledged, seen) of entries that were late enough to count."""
    told_at = acked_at(history)
    for watch in history.watches:
        for seq, at in live_entries(watch):
            told = told_at.get((watch.video_id, seq), math.inf)
            if at - told > LATE_S + history.lag_s:
                yield told, at


def _failed_calls(history: History) -> Iterator[tuple[float, float]]:
    for _, calls in _all_calls(history):
        for call in calls:
            failed = call.outcome is Outcome.UNKNOWN or call.status == 503
            if failed and _should_be_answered(call):
                yield call.invoked_at, call.returned_at


def _should_be_answered(call: Call) -> bool:
    return call.patience_s >= 1.0 and call.returned_at < math.inf
