"""How far the numbers of a video can have come at a time, as far as its clients can know."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate

from tests.chaos.history import History
from tests.chaos.judge_log import Entry, Log, kind_of, targets_of
from tests.chaos.rule_book import RULES


class Heads:
    """For each video and time the highest that its head can have been: every entry up to there had
    been asked for by then. What nobody has asked for counts as if somebody had, before.
    """

    def __init__(self, history: History, log: Log) -> None:
        self.invoked_at = {
            (post.video_id, post.text): post.invoked_at for post in history.posts if post.calls
        }
        self._log = log
        self._sent_at = {
            video_id: list(accumulate((self._sent(video_id, entry) for entry in stored), max))
            for video_id, stored in history.stored.items()
        }

    def at_most(self, video_id: str, at: float) -> int:
        """See Heads."""
        return bisect_right(self._sent_at.get(video_id, []), at)

    def _sent(self, video_id: str, entry: Entry) -> float:
        if targets_of(entry) or kind_of(entry) in RULES:
            asked_at = self._log.asked_at(video_id, entry)
            return asked_at if asked_at < math.inf else -math.inf
        comment = self._log.comment(video_id, entry)
        text = comment["text"] if comment else ""
        return self.invoked_at.get((video_id, text), -math.inf)
