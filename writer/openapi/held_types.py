"""Types of filters, held comments and the audit, as `writer.openapi.types`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from screening.terms import MAX_TERM, MAX_TERMS, MAX_TRIED, Action, Kind
from writer.openapi.examples import AT, HELD_ID
from writer.openapi.fields import AUTHOR_ID, enum_meta, seen_meta, time_meta
from writer.openapi.types import Comment

_KIND = "How it is found: as a whole word, anywhere, or as a regular expression of RE2"
_ACTION = "What becomes of a comment with it"
_ExpiresAt = Annotated[str, time_meta("When it is too late to decide", AT)]


class FilterTermInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for. No other members."""

    term: Annotated[str, seen_meta(MAX_TERM, "A word, a text or a pattern", "badword")]
    action: Annotated[str, enum_meta(_ACTION, Action)]
    kind: Annotated[str, enum_meta(_KIND, Kind)] | UnsetType = UNSET


class FiltersInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All filters of a video; they replace those that it has. No other members."""

    terms: Annotated[tuple[FilterTermInput, ...], Meta(max_length=MAX_TERMS)]


class FilterTerm(msgspec.Struct, frozen=True):
    """What is looked for, in NFC."""

    term: Annotated[str, Meta(examples=["badword"])]
    kind: Annotated[str, Meta(description=_KIND, examples=["word"])]
    action: Annotated[str, Meta(description=_ACTION, examples=["block"])]


class FilterList(msgspec.Struct, frozen=True):
    """All filters of a video."""

    terms: tuple[FilterTerm, ...]


class TrialInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to try the filters on. No other members."""

    text: Annotated[str, seen_meta(MAX_TRIED, "The text", "a bad word")]


class Trial(msgspec.Struct, frozen=True):
    """What would become of a text."""

    action: Annotated[
        str | None, Meta(description="`block`, `hold`, or null: nothing", examples=["block"])
    ]
    terms: Annotated[
        tuple[Annotated[int, Meta(ge=0, extra_json_schema={"format": "int32"})], ...],
        Meta(description="Indexes of all terms that are in it", examples=[[0]]),
    ]


class HeldNotice(msgspec.Struct, frozen=True):
    """The comment waits for a moderator and is not shown."""

    held: Annotated[str, Meta(description="By which it is known", examples=[HELD_ID])]
    expires_at: _ExpiresAt


class HeldComment(msgspec.Struct, frozen=True):
    """A comment that waits."""

    id: Annotated[str, Meta(examples=[HELD_ID])]
    author: str
    text: str
    held_at: Annotated[str, time_meta("Since when it waits", AT)]
    expires_at: _ExpiresAt
    author_id: Annotated[str | UnsetType, Meta(examples=[AUTHOR_ID])] = UNSET
    guest: bool | UnsetType = UNSET


class HeldList(msgspec.Struct, frozen=True):
    """Comments that wait, oldest first."""

    held: tuple[HeldComment, ...]


class DecisionInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a held comment. No other members."""

    decision: Annotated[str, enum_meta("Whether it is posted", ("approve", "deny"))]


class Decision(msgspec.Struct, frozen=True):
    """What became of it."""

    id: Annotated[str, Meta(examples=[HELD_ID])]
    state: Annotated[str, Meta(description="`approved` or `denied`", examples=["approved"])]
    comment: Comment | UnsetType = UNSET  # if it was approved


class ModeratorCall(msgspec.Struct, frozen=True):
    """A call that changes something, before it was carried out; or that it was refused."""

    at: Annotated[str, time_meta("When", AT)]
    by: Annotated[str, Meta(description="The author id of who called", examples=[AUTHOR_ID])]
    action: Annotated[str, Meta(description="What kind of call", examples=["removal"])]
    request_id: str
    what: Annotated[dict[str, Any], Meta(description="What it asked for; no filters")]
    refused: Annotated[
        str | UnsetType, Meta(description="The `code` of the problem", examples=["not_found"])
    ] = UNSET


class AuditPage(msgspec.Struct, frozen=True):
    """Calls of moderators, newest first."""

    calls: tuple[ModeratorCall, ...]
    before: Annotated[
        str | None,
        Meta(description="Send it as `before` for what is older", examples=["1790000000000-17"]),
    ]
    more: bool
