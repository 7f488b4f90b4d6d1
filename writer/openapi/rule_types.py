"""Types of the rules of a video and of the whole site, as `writer.openapi.types`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wire.rulings import FOREVER, MAX_SLOW_MODE_S, REPEATS_WITHIN_S
from writer.openapi.examples import AT
from writer.openapi.fields import AUTHOR_ID, AuthorId, Reason, seq_meta, time_meta
from writer.openapi.types import Comment

_INT32 = {"format": "int32"}
_UNTIL = "Until when, null if it is lifted; the year 9999 is for ever"
_REFUSALS = "Why not: the `code` of the problem that a post would be answered with"

_SlowMode = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_SLOW_MODE_S,
        description="Seconds between two comments of one author, 0 for none",
        examples=[10],
        extra_json_schema=_INT32,
    ),
]


def _switch(text: str, example: bool) -> Meta:
    return Meta(description=text, examples=[example])


_Closed = Annotated[bool, _switch("Whether only moderators post", False)]
_MembersOnly = Annotated[bool, _switch("Whether who posts must be a member", False)]
_Links = Annotated[bool, _switch("Whether comments may have links", True)]
_Guests = Annotated[bool, _switch("Whether comments may come without a token", True)]
_Repeats = Annotated[
    bool, _switch(f"Whether an author may say the same again within {REPEATS_WITHIN_S} s", True)
]


class SettingsInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which settings to change, at least one. No other members."""

    slow_mode_s: _SlowMode | UnsetType = UNSET
    closed: _Closed | UnsetType = UNSET
    members_only: _MembersOnly | UnsetType = UNSET
    links: _Links | UnsetType = UNSET
    guests: _Guests | UnsetType = UNSET
    repeats: _Repeats | UnsetType = UNSET


class VideoSettings(msgspec.Struct, frozen=True):
    """The public settings of a video."""

    slow_mode_s: _SlowMode
    closed: _Closed
    members_only: _MembersOnly
    links: _Links
    guests: _Guests
    repeats: _Repeats


class PinInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which comment to pin. No other members."""

    seq: Annotated[int, seq_meta("The comment's number", 3)]


class Pinning(msgspec.Struct, frozen=True):
    """The entry that says what is pinned; an empty object if nothing ever was."""

    id: str | UnsetType = UNSET
    type: Annotated[str | UnsetType, Meta(examples=["pinned"])] = UNSET
    seq: Annotated[int, seq_meta("The entry's number", 7)] | UnsetType = UNSET
    comment: Comment | UnsetType | None = UNSET  # null: nothing is


class SanctionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long an author may not post. No other members; the whole body may be left out. The
    reason is for moderators, and for everybody in the removals of a purge.
    """

    until: (
        Annotated[
            str,
            time_meta("A moment in the future, with its zone. Left out: for ever", FOREVER),
        ]
        | UnsetType
    ) = UNSET
    purge: (
        Annotated[bool, _switch("Whether to remove what the author has written before", False)]
        | UnsetType
    ) = UNSET
    reason: Reason | UnsetType = UNSET


class Sanction(msgspec.Struct, frozen=True):
    """What is said of an author; an empty object if nothing ever was."""

    author_id: Annotated[str | UnsetType, Meta(examples=[AUTHOR_ID])] = UNSET
    until: Annotated[str | None, Meta(description=_UNTIL, examples=[FOREVER])] | UnsetType = UNSET
    purge: bool | UnsetType = UNSET
    by: Annotated[
        str | UnsetType, Meta(description="Who said so, for moderators only", examples=[AUTHOR_ID])
    ] = UNSET
    at: Annotated[str, time_meta("When", AT)] | UnsetType = UNSET
    reason: Annotated[str | UnsetType, Meta(description="If one was given")] = UNSET


class SanctionPage(msgspec.Struct, frozen=True):
    """A page of those that count, by author id."""

    sanctions: tuple[Sanction, ...]
    more: Annotated[bool, Meta(description="Whether there are more, after the last author id")]


class Standing(msgspec.Struct, frozen=True):
    """Who the caller is in a video, and whether a comment would be taken now."""

    may_post: Annotated[bool, Meta(description="What depends on the words is not decided here")]
    code: Annotated[str | UnsetType, Meta(description=_REFUSALS, examples=["slow_mode"])] = UNSET
    retry_after_s: (
        Annotated[int, Meta(description="When it will be taken", extra_json_schema=_INT32)]
        | UnsetType
    ) = UNSET
    author_id: Annotated[
        str | UnsetType, Meta(description="With a token", examples=[AUTHOR_ID])
    ] = UNSET
    name: Annotated[str | None, Meta(description="That of the token")] | UnsetType = UNSET
    badges: tuple[str, ...] | UnsetType = UNSET


class AuthorInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to erase. No other members."""

    author_id: AuthorId


class Erasure(msgspec.Struct, frozen=True):
    """What an author has written is to be destroyed, or is."""

    author_id: str
    done: Annotated[bool, Meta(description="Whether nothing of it is left in the store")]


class RevocationInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose tokens do not count any more. No other members."""

    author_id: AuthorId
    not_before: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=253_402_300_799,
                description="Tokens issued before this second since 1970; left out: until now",
                examples=[1_790_000_000],
                extra_json_schema={"format": "int64"},
            ),
        ]
        | UnsetType
    ) = UNSET


class Revocation(msgspec.Struct, frozen=True):
    """Tokens and tickets of an author from before a moment do not count."""

    author_id: str
    not_before: Annotated[
        int,
        Meta(
            description="That moment, in seconds since 1970",
            examples=[1_790_000_000],
            extra_json_schema={"format": "int64"},
        ),
    ]
