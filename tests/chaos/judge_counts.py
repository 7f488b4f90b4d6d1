"""P9: how many watch, as viewers are told and as whoever asks is told, is what the nodes hold, at
most 6 s old, in calm. At any time it is a number that can be: nobody watches less than himself.

What the nodes hold is known from the viewers' own streams, but for two things: a node has a stream
before its viewer has an answer, and for a while after its viewer has left (the gateway notices at
its second heartbeat). So a count has a lower and an upper bound.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.history import History, Poll, Watch
from tests.chaos.judge_routes import BEFORE_ANSWERED_S
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

OLD_S = 6.0 * TIMEOUT_FACTOR
RIGHT_AFTER_S = 12.0 * TIMEOUT_FACTOR  # a fault: of nodes and writers
NOTICED_S = 6.0 + 1.0 * TIMEOUT_FACTOR  # a viewer who left through the gateway
_LOOK_EVERY_S = 1.0
_EXACT_UP_TO, _PART = 100, 0.01  # viewers are not told of less than one percent, above that


@dataclass(frozen=True, slots=True)
class _Span:
    """A stream: `asked_at`, `opened_at` and `closed_at` by its viewer's clock; the last may be
    infinity. `surely`: it was answered.
    """

    asked_at: float
    opened_at: float
    closed_at: float
    surely: bool = True


def check_counts(history: History, ledger: Ledger) -> None:
    """Hold every count against the viewers' own record of their streams."""
    spans = _spans(history)
    for watch in history.watches:
        _check_numbers(history, watch, ledger)
        if not history.counted:
            continue
        for at, told in _looks(history, watch):
            bounds = _bounds(spans[watch.video_id], at - OLD_S - history.lag_s, at)
            ledger.expect(
                "P9",
                told is not None and _fits(told, bounds),
                f"{watch.name} of {watch.video_id} was told of {told} viewers, at "
                f"{at - history.began_at:.3f} s; there were {_text(bounds)}",
            )
    for poll in history.polls:
        _check_poll(history, poll, spans.get(poll.video_id, []), ledger)


def counts_in_calm(history: History) -> int:
    """Counts that were to be right, as there was no fault in the time before."""
    looks = sum(1 for watch in history.watches for _ in _looks(history, watch))
    return looks + sum(
        _is_calm(history, poll.invoked_at, poll.returned_at) for poll in history.polls
    )


def _check_numbers(history: History, watch: Watch, ledger: Ledger) -> None:
    for at, now, peak in watch.counts:
        ledger.expect(
            "P9",
            1 <= now <= peak,
            f"{watch.name} of {watch.video_id} was told of {now} viewers and a peak of {peak}, at "
            f"{at - history.began_at:.3f} s",
        )


def _check_poll(history: History, poll: Poll, spans: list[_Span], ledger: Ledger) -> None:
    if poll.now is not None and poll.peak is not None:
        ledger.expect(
            "P9", 0 <= poll.now <= poll.peak, f"{poll.video_id}: {poll.now} now, peak {poll.peak}"
        )
    if not _is_calm(history, poll.invoked_at, poll.returned_at):
        return
    bounds = _bounds(spans, poll.invoked_at - OLD_S - history.lag_s, poll.returned_at)
    ledger.expect(
        "P9",
        poll.now is not None and bounds[0] <= poll.now <= bounds[1],
        f"asked at {poll.invoked_at - history.began_at:.3f} s how many watch {poll.video_id}: "
        f"status {poll.status}, {poll.now}; there were {_text(bounds)}",
    )


def _looks(history: History, watch: Watch) -> Iterator[tuple[float, int | None]]:
    """At what time which count was on the screen: whenever one came, and once a second. A stream
    must have been open for a while; None: it has never been told.
    """
    times = [at for at, _, _ in watch.counts]
    end = max(history.looked_until, history.ended_at)
    for stream in watch.streams:
        begin = stream.opened_at + OLD_S + history.lag_s
        until = min(stream.closed_at or math.inf, watch.left_at or math.inf, end)
        seconds = range(math.ceil(begin), math.ceil(until), int(_LOOK_EVERY_S))
        for at in sorted([*map(float, seconds), *(at for at in times if begin <= at <= until)]):
            if not _is_calm(history, at, at):
                continue
            index = bisect_right(times, at) - 1
            told = index >= 0 and times[index] >= stream.opened_at
            yield at, watch.counts[index][1] if told else None


def _is_calm(history: History, begin: float, end: float) -> bool:
    """Whether all counts of this time must be right."""
    since = begin - RIGHT_AFTER_S
    if since < history.began_at - OLD_S:
        return False
    return not any(
        trouble.began_at <= end and since <= max(trouble.ended_at, trouble.healed_at)
        for trouble in history.troubles
    )


def _spans(history: History) -> dict[str, list[_Span]]:
    found: dict[str, list[_Span]] = {}
    for watch in history.watches:
        spans = found.setdefault(watch.video_id, [])
        for stream in watch.streams:
            asks = bisect_right(watch.asked, stream.opened_at)
            asked = watch.asked[asks - 1] if asks else stream.opened_at - BEFORE_ANSWERED_S
            closed = stream.closed_at or watch.left_at or math.inf
            spans.append(_Span(asked, stream.opened_at, closed))
        for refusal in watch.refused:  # some node may have got the request
            spans.append(_Span(refusal.tried_at, math.inf, refusal.failed_at, surely=False))
    return found


def _bounds(spans: list[_Span], begin: float, end: float) -> tuple[int, int]:
    """How many streams the nodes held at least and at most, at some time in between."""
    least = sum(
        span.surely and span.opened_at <= begin and span.closed_at >= end for span in spans
    )  # fmt: skip
    most = sum(span.asked_at <= end and span.closed_at + NOTICED_S >= begin for span in spans)
    return least, most


def _fits(told: int, bounds: tuple[int, int]) -> bool:
    least, most = bounds
    if told > _EXACT_UP_TO:
        return least * (1 - _PART) - 1 <= told <= most * (1 + _PART) + 1
    return least <= told <= most


def _text(bounds: tuple[int, int]) -> str:
    least, most = bounds
    return str(least) if least == most else f"{least} to {most}"
