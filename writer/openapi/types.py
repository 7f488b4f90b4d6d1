"""Types that exist for the description of the API only; tests hold them to what is really sent.

Their names are those of the classes that others generate from it. Generators add words of their own
(`NewComment` is the constructor of `Comment` in Go, `PostCommentRequest` holds the parameters of
`postComment`), so no name may be made of another and such a word; a test knows them.

What a client sends is described as strictly as it is checked. What it receives is described as
loosely as it may grow: a generated client refuses what its copy of the description does not have.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wire.comment import MAX_AUTHOR, MAX_TEXT
from wire.entry import MAX_TARGETS
from wire.ids import MAX_SEQ
from wire.moderation import MAX_REASON
from wire.sse import ByeReason, GapReason, ResetReason

VIDEO_ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$"
EVENT_ID_PATTERN = "^[a-z0-9]{12}-(0|[1-9][0-9]{0,14})$"
VIDEO_ID, EVENT_ID, HEAD = "v1", "wtbcih2za997-3", "wtbcih2za997-7"
# As identity.tickets makes them, with no key of anybody's.
TICKET = "5PwU5ABrBSPlADhAQcaiGVMoA4STtIcJMfktFRyKBzVA_gvaSlmQ0nTXcKPNChPGkGFAopkB"
# Some character that can be seen, and no control character but tab and newline. Sufficient, not
# necessary: white space at both ends is trimmed before anything is counted.
_SEEN = r"[^\s\x00-\x1f\x7f-\x9f]"
_NO_CONTROL = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*"
_VISIBLE = f"^{_NO_CONTROL}{_SEEN}{_NO_CONTROL}$"
# Numbers go beyond 32 bits, which is what generators take an integer without a format for.
_INT64 = {"format": "int64"}
_TIME = {"format": "date-time"}

_Epoch = Annotated[str, Meta(description="The store's identity", examples=["wtbcih2za997"])]
_VideoId = Annotated[str, Meta(description="The video", examples=[VIDEO_ID])]
_EventId = Annotated[
    str,
    Meta(
        pattern=EVENT_ID_PATTERN,
        description="The event id, `<epoch>-<seq>`: a cursor of histories and of the stream",
        examples=[EVENT_ID],
    ),
]
_Head = Annotated[
    str,
    Meta(
        pattern=EVENT_ID_PATTERN,
        description="The id of the newest comment; `<epoch>-0` if there is none",
        examples=[HEAD],
    ),
]
_CreatedAt = Annotated[
    str,
    Meta(
        description="When it was accepted, RFC 3339 in UTC with milliseconds",
        examples=["2026-11-24T01:43:01.132Z"],
        extra_json_schema=_TIME,
    ),
]


def _seq(text: str, example: int, least: int = 1) -> Meta:
    return Meta(
        ge=least, le=MAX_SEQ, description=text, examples=[example], extra_json_schema=_INT64
    )


def _seen(limit: int, text: str, example: str) -> Meta:
    return Meta(
        min_length=1,
        max_length=limit,
        pattern=_VISIBLE,
        description=f"{text}: at most {limit} code points, not counting white space at both ends",
        examples=[example],
    )


def _reason(reasons: type[StrEnum]) -> Meta:
    # No schema of its own: in Go the values of all named enumerations share one namespace.
    values = [reason.value for reason in reasons]
    return Meta(description="Why", examples=values[:1], extra_json_schema={"enum": values})


class CommentInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment as a client sends it. No other members."""

    author: Annotated[str, _seen(MAX_AUTHOR, "Who says it; with a token, the name in it", "ann")]
    text: Annotated[str, _seen(MAX_TEXT, "What is said", "hi")]


class Comment(msgspec.Struct, frozen=True):
    """A stored comment. Later versions may add members: ignore those that you do not know."""

    id: _EventId
    video_id: _VideoId
    seq: Annotated[int, _seq("The comment's number in its video, from 1, without holes", 3)]
    author: Annotated[str, Meta(description="Who said it", examples=["ann"])]
    text: Annotated[str, Meta(description="What was said, unchanged", examples=["hi"])]
    created_at: _CreatedAt
    author_id: Annotated[
        str | UnsetType,
        Meta(
            description="Who said it, if a token proves that: the same for all of a person's"
            " comments",
            examples=["u_QcaiGVMoA4STtIcJMfktFQ"],
        ),
    ] = UNSET
    badges: Annotated[
        tuple[str, ...] | UnsetType,
        Meta(
            description="The author's roles in this video above `member`, highest first:"
            " `moderator`, `owner`, `service`, `admin`",
            examples=[["moderator"]],
        ),
    ] = UNSET
    guest: Annotated[
        bool | UnsetType,
        Meta(description="Said without a token where tokens are the rule", examples=[True]),
    ] = UNSET


class _Page(msgspec.Struct, frozen=True):
    head: _Head
    first: Annotated[
        str,
        Meta(
            pattern=EVENT_ID_PATTERN,
            description="Where the page begins: send it as `before` for what is older",
            examples=[EVENT_ID],
        ),
    ]
    last: Annotated[
        str,
        Meta(
            pattern=EVENT_ID_PATTERN,
            description="Where it ends: send it as `after` for what is newer",
            examples=[HEAD],
        ),
    ]
    more: Annotated[
        bool,
        Meta(
            description="Whether there is more to read, also if this page is short",
            examples=[False],
        ),
    ]


class CommentPage(_Page, frozen=True, kw_only=True):
    """A page of a video's history: comments that may be shown."""

    comments: Annotated[tuple[Comment, ...], Meta(description="Oldest first")]


class Entry(msgspec.Struct, frozen=True):
    """An entry of a video's log. A comment has no `type`; `restored` has the comment in it, with
    its old number. Later versions may add types.
    """

    id: _EventId
    video_id: _VideoId
    seq: Annotated[int, _seq("The entry's number in its video, from 1, without holes", 7)]
    created_at: _CreatedAt
    type: Annotated[
        str | UnsetType,
        Meta(
            description="`removed`, `restored` or `tombstone`; a comment has none",
            examples=["removed"],
        ),
    ] = UNSET
    targets: Annotated[
        tuple[Annotated[int, _seq("A comment's number", 3)], ...] | UnsetType,
        Meta(description="Of `removed`: the numbers of the comments", examples=[[3]]),
    ] = UNSET
    by: Annotated[
        str | UnsetType, Meta(description="Of `removed`: who did it", examples=["moderator"])
    ] = UNSET
    reason: Annotated[
        str | UnsetType, Meta(description="Of `removed`, if one was given", examples=["spam"])
    ] = UNSET
    comment: Comment | UnsetType = UNSET  # of `restored`
    author: Annotated[str | UnsetType, Meta(description="Of a comment", examples=["ann"])] = UNSET
    text: Annotated[str | UnsetType, Meta(description="Of a comment", examples=["hi"])] = UNSET


class EntryPage(_Page, frozen=True, kw_only=True):
    """A page of a video's log."""

    entries: Annotated[tuple[Entry, ...], Meta(description="Oldest first")]


class RemovalInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which comments to remove. No other members."""

    seqs: Annotated[
        tuple[Annotated[int, _seq("A comment's number", 3)], ...],
        Meta(
            min_length=1,
            max_length=MAX_TARGETS,
            description=f"Numbers of 1 to {MAX_TARGETS} comments",
            examples=[[3]],
        ),
    ]
    reason: Annotated[str, _seen(MAX_REASON, "Why, for everybody to see", "spam")] | UnsetType = (
        UNSET
    )


class NoticeList(msgspec.Struct, frozen=True):
    """The entries that removed the comments: the new one, if there is one, and earlier ones."""

    notices: Annotated[tuple[Entry, ...], Meta(description="Newest first")]


class Ticket(msgspec.Struct, frozen=True):
    """Leave to read one video until a moment."""

    ticket: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9_-]+$",
            description="Send it as `ticket` in the query of a stream, or of what is read",
            examples=[TICKET],
        ),
    ]
    expires_at: Annotated[
        str,
        Meta(
            description="When it ends, in UTC; a stream ends within the last tenth of its life",
            examples=["2026-11-24T05:43:01.000Z"],
            extra_json_schema=_TIME,
        ),
    ]


class Problem(msgspec.Struct, frozen=True):
    """The body of every error (RFC 9457, `application/problem+json`). Programs read `code`."""

    type: Annotated[str, Meta(description="Always `about:blank`", examples=["about:blank"])]
    title: Annotated[str, Meta(description="For people", examples=["A field is not valid"])]
    status: Annotated[
        int,
        Meta(
            description="The status of the reply",
            examples=[422],
            extra_json_schema={"format": "int32"},
        ),
    ]
    code: str  # in the document an enumeration, `ProblemCode`
    detail: Annotated[
        str | UnsetType,
        Meta(description="More, for people", examples=["text: is missing"]),
    ] = UNSET
    field: Annotated[
        str | UnsetType,
        Meta(description="The field, parameter or header that is not valid", examples=["text"]),
    ] = UNSET


class HelloEvent(msgspec.Struct, frozen=True):
    """Data of the event `hello`."""

    video_id: _VideoId
    node_id: Annotated[str, Meta(description="The process that serves it", examples=["node-1"])]
    epoch: _Epoch
    head: _Head


class GapEvent(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Data of the event `gap`: the comments `from` to `to` will not come on this stream."""

    first: Annotated[int, _seq("The first number that is missing", 4)]
    last: Annotated[int, _seq("The last number that is missing", 8)]
    reason: Annotated[str, _reason(GapReason)]


class ResetEvent(msgspec.Struct, frozen=True):
    """Data of the event `reset`: the cursor is void; discard the comments shown before."""

    reason: Annotated[str, _reason(ResetReason)]


class ByeEvent(msgspec.Struct, frozen=True):
    """Data of the event `bye`, the last one: reconnect with the last id that was seen."""

    reason: Annotated[str, _reason(ByeReason)]


def comment_example() -> dict[str, object]:
    """A comment as it is sent."""
    return {
        "id": EVENT_ID,
        "video_id": VIDEO_ID,
        "seq": 3,
        "author": "ann",
        "text": "hi",
        "created_at": "2026-11-24T01:43:01.132Z",
    }
