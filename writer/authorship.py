"""Whose comment it is: what a token proves of the author, and what a body may say. No I/O."""

from __future__ import annotations

import msgspec

from identity.caller import Caller
from identity.config import Anonymous
from screening.marks import check_marks
from wire.comment import NewComment, parse_new_comment
from wire.errors import InvalidField, TokenMissing


def check_may_post(caller: Caller, anonymous: Anonymous) -> None:
    """Before the body is read. Raises TokenMissing if this needs a token and there is none,
    InvalidField for a token without a name, which no comment can be shown under.
    """
    if caller.anonymous and anonymous is Anonymous.NOBODY:
        raise TokenMissing()
    if not caller.anonymous and caller.name is None:
        raise InvalidField("author", "the token has no name")


def read_post(body: bytes, caller: Caller, video_id: str, anonymous: Anonymous) -> NewComment:
    """The comment in a body. With a token the author is the token's name, and the comment carries
    the author's id and badges; without one it is a guest's where tokens are the rule.

    Raises as parse_new_comment does, or TooManyMarks; for a name in a token too.
    """
    new = parse_new_comment(body, caller.name)
    check_marks("author", new.author)
    check_marks("text", new.text)
    if caller.author_id is not None:
        badges, rank = caller.badges(video_id), int(caller.rank_in(video_id))
        return NewComment(new.author, new.text, caller.author_id, badges, rank=rank)
    if anonymous is Anonymous.GUESTS:
        return msgspec.structs.replace(new, guest=True)
    return new
