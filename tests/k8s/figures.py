"""What a step cost, in a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.chaos.figures import quantile
from tests.chaos.history import History, Outcome, Post


def figures(history: History, took_s: float) -> str:
    """How long it took, what became of posts, how late they were answered and seen; times from a
    post's first call on.
    """
    posts = [post for post in history.posts if post.valid]
    acked = [post for post in posts if post.outcome is Outcome.ACKED]
    failed = sum(post.calls[0] not in post.acks for post in acked)
    answers = [post.answered_at - post.invoked_at for post in acked]
    screens = list(_to_screens(history, acked))
    streams = [len(watch.streams) for watch in history.watches]
    return (
        f"{took_s:.0f} s; {len(posts)} posts, {len(acked)} acknowledged,"
        f" {failed} of them by another call; answered p50 {1000 * quantile(answers, 0.5):.0f} ms,"
        f" worst {max(answers):.2f} s; seen {len(screens)} times, p50"
        f" {1000 * quantile(screens, 0.5):.0f} ms, worst {max(screens):.2f} s;"
        f" {sum(streams) - len(streams)} reconnects of {len(streams)} viewers;"
        f" the load itself was late by {history.lag_s:.2f} s at most"
    )


def _to_screens(history: History, acked: Sequence[Post]) -> Iterator[float]:
    """From the first call for a comment to each screen that was there before."""
    began = {
        (post.video_id, (post.acks[0].answer or {}).get("seq")): post.invoked_at for post in acked
    }
    for watch in history.watches:
        for seen in watch.seen():
            at = began.get((watch.video_id, seen.event.data.get("seq")))
            if seen.event.type == "comment" and at is not None and watch.times[0] < at:
                yield seen.at - at
