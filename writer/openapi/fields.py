"""Fields that several types of the description have, their patterns and their examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from wire.ids import AUTHOR_ID_FORM, MAX_SEQ
from wire.moderation import MAX_REASON

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
INT64 = {"format": "int64"}
TIME = {"format": "date-time"}

Epoch = Annotated[str, Meta(description="The store's identity", examples=["wtbcih2za997"])]
VideoId = Annotated[str, Meta(description="The video", examples=[VIDEO_ID])]
EventId = Annotated[
    str,
    Meta(
        pattern=EVENT_ID_PATTERN,
        description="The event id, `<epoch>-<seq>`: a cursor of histories and of the stream",
        examples=[EVENT_ID],
    ),
]
Head = Annotated[
    str,
    Meta(
        pattern=EVENT_ID_PATTERN,
        description="The id of the newest comment; `<epoch>-0` if there is none",
        examples=[HEAD],
    ),
]
CreatedAt = Annotated[
    str,
    Meta(
        description="When it was accepted, RFC 3339 in UTC with milliseconds",
        examples=["2026-11-24T01:43:01.132Z"],
        extra_json_schema=TIME,
    ),
]


def seq_meta(text: str, example: int, least: int = 1) -> Meta:
    """Of a number of an entry."""
    return Meta(ge=least, le=MAX_SEQ, description=text, examples=[example], extra_json_schema=INT64)


def seen_meta(limit: int, text: str, example: str) -> Meta:
    """Of what a person writes, as strict as it is checked."""
    return Meta(
        min_length=1,
        max_length=limit,
        pattern=_VISIBLE,
        description=f"{text}: at most {limit} code points, not counting white space at both ends",
        examples=[example],
    )


def enum_meta(text: str, values: Iterable[str]) -> Meta:
    """Of one of some words. No schema of its own: in Go the values of all named enumerations share
    one namespace.
    """
    named = [str(value) for value in values]
    return Meta(description=text, examples=named[:1], extra_json_schema={"enum": named})


def time_meta(text: str, example: str) -> Meta:
    """Of a moment, RFC 3339."""
    return Meta(description=text, examples=[example], extra_json_schema=TIME)


AUTHOR_ID_PATTERN = f"^{AUTHOR_ID_FORM}$"
AUTHOR_ID = "u_QcaiGVMoA4STtIcJMfktFQ"
# Of a request: strict; in replies it is any text.
AuthorId = Annotated[
    str,
    Meta(
        pattern=AUTHOR_ID_PATTERN,
        description="The author, as comments have it",
        examples=[AUTHOR_ID],
    ),
]
Reason = Annotated[str, seen_meta(MAX_REASON, "Why, for everybody to see", "spam")]
