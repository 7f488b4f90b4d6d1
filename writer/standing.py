"""Whether somebody may comment on a video now: what the rules say, asked without a comment."""

from __future__ import annotations

import time
from typing import Any

from identity.caller import Caller
from identity.config import Anonymous
from wire.comment import NewComment
from writer.comment_service import CommentService
from writer.rules import (
    Code,
    Refusal,
    Rules,
    Sanction,
    paces,
    refuse_author,
    refuse_sanctioned,
)


async def standing(
    comments: CommentService,
    video_id: str,
    caller: Caller,
    anonymous: Anonymous,
    everywhere: Sanction | None = None,
) -> dict[str, Any]:
    """The reply to `GET .../me`. everywhere: what is said of the caller on all videos. What depends
    on the words is not decided here; nor is slow mode for somebody without a token, whose name is
    not known.
    """
    rules, said = await comments.rules(video_id, caller.author_id or "")
    now_ms = int(time.time() * 1000)
    rank = int(caller.rank_in(video_id))
    asking = NewComment(
        caller.name or "", "", caller.author_id or "", rank=rank, screened=rules.filters
    )
    refusal = Refusal(Code.TOKEN_MISSING) if _needs_token(caller, anonymous) else None
    refusal = refusal or refuse_sanctioned(everywhere, asking, now_ms)
    refusal = refusal or refuse_author(rules, said, asking, now_ms)
    if refusal is None and not caller.anonymous:
        refusal = await _slowed(comments, video_id, rules, asking, now_ms)
    answer: dict[str, Any] = {"may_post": refusal is None}
    if refusal is not None:
        answer["code"] = refusal.error().code
    if refusal is not None and refusal.wait_ms:
        answer["retry_after_s"] = refusal.wait_s
    if not caller.anonymous:
        answer |= {"author_id": caller.author_id, "name": caller.name}
        answer["badges"] = list(caller.badges(video_id))
    return answer


def _needs_token(caller: Caller, anonymous: Anonymous) -> bool:
    return caller.anonymous and anonymous is Anonymous.NOBODY


async def _slowed(
    comments: CommentService, video_id: str, rules: Rules, asking: NewComment, now_ms: int
) -> Refusal | None:
    wanted = [pace for pace in paces(rules, asking) if pace.code is Code.SLOW_MODE]
    used = await comments.used_slots(video_id, [pace.slot for pace in wanted]) if wanted else {}
    refused = (pace.refuse(used.get(pace.slot), now_ms) for pace in wanted)
    return next(filter(None, refused), None)
