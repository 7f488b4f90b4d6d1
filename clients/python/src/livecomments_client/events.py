"""What a video's iterator gives, as frozen dataclasses.

Entries have a number (`seq`) of the video's log and an `id`, which is the cursor behind them: store
it when you have dealt with the event, and begin with it next time. The others have none. `source`
is "history" for what was read from the store (the history before the first event, and what filled
a gap), and does not count when two events are compared. Times are in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal

Source = Literal["stream", "history"]


class State(str, Enum):
    """Of an iterator: closed -> connecting -> live <-> recovering -> closed."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    LIVE = "live"
    RECOVERING = "recovering"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment. author_id, badges: proven by a token; guest: came without one where tokens are
    the rule.
    """

    id: str
    video_id: str
    seq: int
    author: str
    text: str
    created_at: datetime
    author_id: str | None = None
    badges: tuple[str, ...] = ()
    guest: bool = False
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Removed:
    """Comments with these numbers are not shown any more. by: "author", "moderator", "erasure"."""

    id: str
    video_id: str
    seq: int
    created_at: datetime
    targets: tuple[int, ...]
    by: str
    reason: str | None = None
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Restored:
    """A removed comment is shown again, with its old number."""

    id: str
    video_id: str
    seq: int
    created_at: datetime
    comment: Comment
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Sanctioned:
    """This author may not comment until then (the year 9999: for ever; None: lifted)."""

    id: str
    video_id: str
    seq: int
    created_at: datetime
    author_id: str
    until: datetime | None
    purge: bool
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Stands in the place of a comment that was removed before it came to us."""

    id: str
    video_id: str
    seq: int
    created_at: datetime
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules of a video. etag: only of replies to `moderation.settings()`; give it as `if_match`
    to change just this version.
    """

    slow_mode_s: int = 0
    closed: bool = False
    members_only: bool = False
    links: bool = True
    guests: bool = True
    repeats: bool = True
    etag: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The rules are these from here on. id and seq are None for those that the stream begins
    with.
    """

    settings: Settings
    id: str | None = None
    seq: int | None = None
    created_at: datetime | None = None
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Pinned:
    """This comment (None: no comment) is shown above the others. id and seq are None for the one
    that the stream begins with.
    """

    comment: Comment | None
    id: str | None = None
    seq: int | None = None
    created_at: datetime | None = None
    source: Source = field(default="stream", compare=False)


@dataclass(frozen=True, slots=True)
class Viewers:
    """How many watch this video now, and how many did at most."""

    now: int
    peak: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries `first` to `last` did not come by the stream. filled: they have just been given,
    from the store, with source "history"; else they will not come.
    """

    first: int
    last: int
    reason: str
    filled: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The store is another one: forget what was shown before, its numbers count anew."""

    reason: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """How the connection is. reason: of a `bye` ("drain", "shed", ...), a problem's code, or
    "ended", "silent", "unreachable"; "client" if it was closed here, "failed" if your source of
    tokens raised something; "" while all is well.
    """

    state: State
    previous: State
    reason: str


Entry = Comment | Removed | Restored | Sanctioned | Tombstone | SettingsChanged | Pinned
Event = Entry | Viewers | Gap | Reset | StateChanged
