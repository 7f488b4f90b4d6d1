"""P6: a node is called for a video only while it has a viewer of it, or had one moments ago."""

from __future__ import annotations

import math
from collections import defaultdict

from tests.chaos.history import History, Stream
from tests.chaos.verdict import Ledger

# The gateway notices a viewer who left at its second write (two heartbeats), the node lingers for
# 3 s, the registration goes, the dispatchers look again.
AFTER_LEAVING_S = 16.0
BEFORE_ANSWERED_S = 5.0  # a stream is there for the node before the viewer has its first bytes
_Span = tuple[float, float]


def check_calls_of_nodes(history: History, ledger: Ledger) -> None:
    """Hold every forward against the viewers' own record of who served them."""
    spans = _spans(history)
    for forward in history.forwards:
        if any(t.began_at <= forward.at <= t.over_at for t in history.troubles):
            continue  # P8 says when it holds again
        at = forward.at
        held = any(
            begin <= at <= end for begin, end in spans.get((forward.node, forward.video_id), ())
        )
        ledger.expect(
            "P6",
            held,
            f"{forward.node} was called for {forward.video_id} up to {forward.last_seq} at "
            f"{at - history.began_at:.3f} s; it has no viewer of it",
        )


def _spans(history: History) -> dict[tuple[str, str], list[_Span]]:
    """(node, video) -> when it had a viewer, the time to notice included."""
    spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for watch in history.watches:
        for stream in watch.streams:
            spans[stream.node, watch.video_id].append(_span(stream))
    return spans


def _span(stream: Stream) -> _Span:
    end = math.inf if stream.closed_at is None else stream.closed_at + AFTER_LEAVING_S
    return stream.opened_at - BEFORE_ANSWERED_S, end
