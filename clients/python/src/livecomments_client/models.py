"""What replies consist of, beside events. All of it is frozen; times are in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from livecomments_client.events import Comment, Entry

E = TypeVar("E", bound=Comment | Entry)


@dataclass(frozen=True, slots=True)
class Posted:
    """The comment is stored. replayed: the key had stored it before, this call only found it."""

    comment: Comment
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The comment waits for a moderator until `expires_at`; it has no number yet."""

    held: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[E]):
    """A page of history. head: the newest entry's id. Read on with `before=page.first` for what is
    older, `after=page.last` for what is newer; more: whether there is anything, also if this page
    is short or empty.
    """

    items: tuple[E, ...]
    head: str
    first: str
    last: str
    more: bool


@dataclass(frozen=True, slots=True)
class Me:
    """Whether the caller may post now, and who the caller is; code and retry_after: why not, and
    for how many seconds.
    """

    may_post: bool
    code: str | None = None
    retry_after: float | None = None
    author_id: str | None = None
    name: str | None = None
    badges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sanction:
    """Until when an author may not post (the year 9999: for ever; None: lifted)."""

    author_id: str
    until: datetime | None
    purge: bool = False
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SanctionPage:
    """Sanctions by author id. Read on with `after` = the last one's author id."""

    sanctions: tuple[Sanction, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class HeldComment:
    """A comment that waits for a moderator; `id` is what `decide` takes."""

    id: str
    author: str
    text: str
    held_at: datetime
    expires_at: datetime
    author_id: str | None = None
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a held comment: "approved", then with the comment, or "denied"."""

    id: str
    state: str
    comment: Comment | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the filters. kind: "word", "literal" or "pattern"; action: "block" or "hold"."""

    term: str
    kind: str = "word"
    action: str = "block"


@dataclass(frozen=True, slots=True)
class Filters:
    """All terms of a video. etag: give it as `if_match` to change just this version."""

    terms: tuple[Term, ...]
    etag: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FilterTest:
    """What would become of a text: "block", "hold" or None, and the places of the terms in it."""

    action: str | None
    terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AuditCall:
    """A call that changed something, or was refused (a problem's code)."""

    at: datetime
    by: str
    action: str
    request_id: str
    what: object
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Calls, newest first. Read on with `before=page.before`."""

    calls: tuple[AuditCall, ...]
    before: str | None
    more: bool
