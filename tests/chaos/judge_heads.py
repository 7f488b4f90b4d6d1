"""How far the numbers of a video can have come at a time, as far as its clients can know."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate

from tests.chaos.history import History


class Heads:
    """For each video and time the highest that its head can have been: every comment up to there
    had been sent by then. What nobody has sent counts as sent before.
    """

    def __init__(self, history: History) -> None:
        self.invoked_at = {
            (post.video_id, post.text): post.invoked_at for post in history.posts if post.calls
        }
        self._sent_at = {
            video_id: list(accumulate((self._sent(video_id, kept["text"]) for kept in stored), max))
            for video_id, stored in history.stored.items()
        }

    def at_most(self, video_id: str, at: float) -> int:
        """See Heads."""
        return bisect_right(self._sent_at.get(video_id, []), at)

    def _sent(self, video_id: str, text: str) -> float:
        return self.invoked_at.get((video_id, text), -math.inf)
