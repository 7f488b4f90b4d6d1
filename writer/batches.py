"""What the sink gets of a group that is stored."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wire.internal import Batch
from writer.lane import Decreed, Post
from writer.store import Appended, Outcome


def batches_of_comments(
    video_id: str, epoch: str, group: Sequence[Post], results: Sequence[Appended]
) -> list[Batch]:
    """The new comments in runs of consecutive numbers (one run, unless the store cut the group in
    two), and each replayed one once (its first hand-over may have died with another writer).
    """

    def batch(posts: Sequence[Post], stored: Sequence[Appended]) -> Batch:
        post, raws = posts[0], tuple([msgspec.Raw(result.raw) for result in stored])
        return Batch(video_id, epoch, stored[0].seq, raws, post.accepted_at, post.request_id)

    if _is_run(results):  # nearly always
        return [batch(group, results)]
    pairs = list(zip(group, results, strict=True))
    new = [pair for pair in pairs if pair[1].outcome is Outcome.NEW]
    handed_over = {result.seq for _, result in new}
    runs: list[list[tuple[Post, Appended]]] = []
    for pair in new:
        if not runs or pair[1].seq != runs[-1][-1][1].seq + 1:
            runs.append([])
        runs[-1].append(pair)
    batches = [batch(*zip(*run, strict=True)) for run in runs]
    for pair in pairs:
        if pair[1].outcome is Outcome.REPLAYED and pair[1].seq not in handed_over:
            handed_over.add(pair[1].seq)
            batches.append(batch(pair[:1], pair[1:]))
    return batches


def _is_run(results: Sequence[Appended]) -> bool:
    """Whether all are new, with consecutive numbers."""
    expected = results[0].seq
    for result in results:
        if result.outcome is not Outcome.NEW or result.seq != expected:
            return False
        expected += 1
    return True


def batches_of_notices(video_id: str, epoch: str, post: Post, decreed: Decreed) -> list[Batch]:
    """A new notice, and those that were there before: their first hand-over may have died with
    another writer.
    """
    return [
        Batch(video_id, epoch, seq, (msgspec.Raw(raw),), post.accepted_at, post.request_id)
        for seq, raw in decreed.notices
    ]
