"""The stretches of a run in which no trouble may be seen: there everything is demanded."""

from __future__ import annotations

import math
from bisect import bisect_right

from tests.chaos.history import History, Watch

Span = tuple[float, float]


def is_calm(history: History, begin: float, end: float) -> bool:
    """Whether no trouble at all falls into this time."""
    return not any(t.began_at <= end and begin <= t.calm_at for t in history.troubles)


def calm_after_faults(history: History, lead_s: float = 0.0) -> list[Span]:
    """Everything between the first fault and the end of posting that is calm, and was for `lead_s`
    before. Empty if there was no fault.
    """
    spans = []
    calm_at = math.inf
    for trouble in sorted(history.troubles, key=lambda trouble: trouble.began_at):
        spans.append((calm_at + lead_s, trouble.began_at))
        calm_at = trouble.calm_at if calm_at == math.inf else max(calm_at, trouble.calm_at)
    spans.append((calm_at + lead_s, history.ended_at))
    return [(begin, end) for begin, end in spans if begin < end]


def deliveries_between(watch: Watch, begin: float, end: float) -> int:
    """Comments that came to a screen in this time."""
    low, high = bisect_right(watch.times, begin), bisect_right(watch.times, end)
    return sum(event.type == "comment" for event in watch.events[low:high])


def acks_between(history: History, begin: float, end: float) -> int:
    """Comments that were first acknowledged in this time."""
    return sum(
        begin <= call.returned_at <= end for post in history.posts for call in post.acks[:1]
    )  # fmt: skip
