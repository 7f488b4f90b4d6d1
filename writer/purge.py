"""Removing all that an author has written. A call that dies in between is completed by the same
call again: what is removed already is not removed anew.
"""

from __future__ import annotations

from wire.entry import MAX_TARGETS, RemovedBy
from writer.comment_service import CommentService
from writer.redaction import Removal


async def remove_all_of(
    comments: CommentService,
    author_id: str,
    video_id: str,
    *,
    by: RemovedBy = RemovedBy.MODERATOR,
    reason: str | None = None,
    request_id: str = "",
) -> int:
    """Remove an author's comments on a video, by as many entries as that takes; how many are gone.

    Raises StoreUnavailable: some may be removed then.
    """
    after, count, more = 0, 0, True
    while more:
        seqs, after, more = await comments.authored(author_id, video_id, after, MAX_TARGETS)
        if seqs:
            # Retention may take one of them meanwhile, and takes comments before what is kept of
            # them.
            removal = Removal(seqs, by, reason, missing_ok=True)
            await comments.redact(video_id, removal, request_id)
            count += len(seqs)
    return count
