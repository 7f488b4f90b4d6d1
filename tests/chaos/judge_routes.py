"""P6: a node is called for a video only while it has a viewer of it, or had one moments ago."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict

from tests.chaos.calm import calm_after_faults, is_calm
from tests.chaos.history import History, Stream, Watch
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

# The gateway notices a viewer who left at its second write (two heartbeats), the node lingers for
# 3 s, the registration goes, the dispatchers look again.
AFTER_LEAVING_S = 13.0 + 3.0 * TIMEOUT_FACTOR
# A stream is there for the node before the viewer has its first bytes, and who asked and left, or
# was cut off, may have one that it never heard of.
BEFORE_ANSWERED_S = 5.0 * TIMEOUT_FACTOR
_CLOCKS_S = 0.5  # the nodes' lines carry another clock
_ANY = ""  # who was answered by nobody, or by the gateway alone; a node may have been asked before
_Span = tuple[float, float]


def check_calls_of_nodes(history: History, ledger: Ledger) -> None:
    """Hold every forward against the viewers' own record of who served them."""
    spans = _spans(history)
    for forward in history.forwards:
        at, video_id = forward.at, forward.video_id
        if not is_calm(history, at, at):
            continue
        held = any(
            begin <= at <= end
            for node in (forward.node, _ANY)
            for begin, end in spans.get((node, video_id), ())
        )
        ledger.expect(
            "P6",
            held,
            f"{forward.node} was called for {video_id} up to {forward.last_seq} at "
            f"{at - history.began_at:.3f} s; it has no viewer of it",
        )


def calls_long_after_faults(history: History) -> int:
    """Calls of nodes that nothing excuses: it was calm for so long before that whatever a fault had
    left behind must have been gone.
    """
    calm = calm_after_faults(history, AFTER_LEAVING_S)
    return sum(begin <= call.at <= end for call in history.forwards for begin, end in calm)


def _spans(history: History) -> dict[tuple[str, str], list[_Span]]:
    """(node, video) -> when it had a viewer, the time to notice included."""
    spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for watch in history.watches:
        for stream in watch.streams:
            spans[stream.node, watch.video_id].append(_span(watch, stream))
        spans[_ANY, watch.video_id] += _unanswered(watch)
    return spans


def _span(watch: Watch, stream: Stream) -> _Span:
    end = math.inf if stream.closed_at is None else stream.closed_at + AFTER_LEAVING_S
    asks = bisect_right(watch.asked, stream.opened_at)
    asked_at = watch.asked[asks - 1] if asks else stream.opened_at - BEFORE_ANSWERED_S
    return asked_at - _CLOCKS_S, end


def _unanswered(watch: Watch) -> list[_Span]:
    """Of each time that it asked and got no stream: some node may have got the request."""
    failed = [(refusal.tried_at, refusal.failed_at) for refusal in watch.refused]
    last = watch.asked[-1] if watch.asked else None
    if last is not None and watch.left_at is not None:
        told = any(stream.opened_at >= last for stream in watch.streams)
        failed += [] if told else [(last, watch.left_at)]
    return [(begin - _CLOCKS_S, end + AFTER_LEAVING_S) for begin, end in failed]
