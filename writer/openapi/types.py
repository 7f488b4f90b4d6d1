"""Types that exist for the description of the API only; tests hold them to what is really sent.

Their names are those of the classes that others generate from it. Generators add words of their own
(`NewComment` is the constructor of `Comment` in Go, `PostCommentRequest` holds the parameters of
`postComment`), so no name may be made of another and such a word; a test knows them.

What a client sends is described as strictly as it is checked. What it receives is described as
loosely as it may grow: a generated client refuses what its copy of the description does not have.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wire.comment import MAX_AUTHOR, MAX_TEXT
from wire.entry import MAX_TARGETS
from wire.rulings import FOREVER
from writer.openapi.fields import (
    AUTHOR_ID,
    EVENT_ID,
    EVENT_ID_PATTERN,
    HEAD,
    TICKET,
    TIME,
    CreatedAt,
    EventId,
    Head,
    Reason,
    VideoId,
    seen_meta,
    seq_meta,
)

_UNTIL = "Of `sanctioned`: until when, null if it is lifted; the year 9999 is for ever"


class CommentInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment as a client sends it. No other members."""

    author: Annotated[
        str, seen_meta(MAX_AUTHOR, "Who says it; with a token, the name in it", "ann")
    ]
    text: Annotated[str, seen_meta(MAX_TEXT, "What is said", "hi")]


class Comment(msgspec.Struct, frozen=True):
    """A stored comment. Later versions may add members: ignore those that you do not know."""

    id: EventId
    video_id: VideoId
    seq: Annotated[int, seq_meta("The comment's number in its video, from 1, without holes", 3)]
    author: Annotated[str, Meta(description="Who said it", examples=["ann"])]
    text: Annotated[str, Meta(description="What was said, unchanged", examples=["hi"])]
    created_at: CreatedAt
    author_id: Annotated[
        str | UnsetType,
        Meta(
            description="Who said it, if a token proves that: the same for all of a person's"
            " comments",
            examples=[AUTHOR_ID],
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
    head: Head
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
    """An entry of a video's log. A comment has no `type`; `restored` and `pinned` have the comment
    in them, with its own number; `settings` has the members of `VideoSettings`. Later versions may
    add types.
    """

    id: EventId
    video_id: VideoId
    seq: Annotated[int, seq_meta("The entry's number in its video, from 1, without holes", 7)]
    created_at: CreatedAt
    type: Annotated[
        str | UnsetType,
        Meta(
            description="`removed`, `restored`, `tombstone`, `settings`, `sanctioned` or `pinned`;"
            " a comment has none",
            examples=["removed"],
        ),
    ] = UNSET
    targets: Annotated[
        tuple[Annotated[int, seq_meta("A comment's number", 3)], ...] | UnsetType,
        Meta(description="Of `removed`: the numbers of the comments", examples=[[3]]),
    ] = UNSET
    by: Annotated[
        str | UnsetType, Meta(description="Of `removed`: who did it", examples=["moderator"])
    ] = UNSET
    reason: Annotated[
        str | UnsetType, Meta(description="Of `removed`, if one was given", examples=["spam"])
    ] = UNSET
    comment: Comment | UnsetType | None = UNSET  # of `restored`; of `pinned`, null for none
    author_id: Annotated[
        str | UnsetType,
        Meta(description="Of a comment, and of `sanctioned`: whose", examples=[AUTHOR_ID]),
    ] = UNSET
    until: Annotated[str | None, Meta(description=_UNTIL, examples=[FOREVER])] | UnsetType = UNSET
    purge: Annotated[
        bool | UnsetType,
        Meta(
            description="Of `sanctioned`: whether earlier comments are removed too",
            examples=[False],
        ),
    ] = UNSET
    author: Annotated[str | UnsetType, Meta(description="Of a comment", examples=["ann"])] = UNSET
    text: Annotated[str | UnsetType, Meta(description="Of a comment", examples=["hi"])] = UNSET


class EntryPage(_Page, frozen=True, kw_only=True):
    """A page of a video's log."""

    entries: Annotated[tuple[Entry, ...], Meta(description="Oldest first")]


class RemovalInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which comments to remove. No other members."""

    seqs: Annotated[
        tuple[Annotated[int, seq_meta("A comment's number", 3)], ...],
        Meta(
            min_length=1,
            max_length=MAX_TARGETS,
            description=f"Numbers of 1 to {MAX_TARGETS} comments",
            examples=[[3]],
        ),
    ]
    reason: Reason | UnsetType = UNSET


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
            extra_json_schema=TIME,
        ),
    ]


def _count(text: str, example: int) -> Meta:
    return Meta(ge=0, description=text, examples=[example], extra_json_schema={"format": "int32"})


class Viewers(msgspec.Struct, frozen=True):
    """How many watch a video: its open streams, wherever they are."""

    now: Annotated[int, _count("Now; at most 6 seconds old", 12)]
    peak: Annotated[int, _count("The most there were, as far as the servers know", 40)]


class VideoViewers(Viewers, frozen=True, kw_only=True):
    """How many watch a video, by its id."""

    video_id: VideoId


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
