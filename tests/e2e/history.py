"""What clients did and saw, with times: the only thing that the judge looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Outcome(Enum):
    """What a client may conclude about one post."""

    ACKED = "acked"  # 200 or 201: stored, with the number it was told
    REFUSED = "refused"  # 4xx: not stored
    UNKNOWN = "unknown"  # 5xx, a lost connection, a timeout: stored or not, at most once


@dataclass(slots=True)
class Post:
    """One comment to post; retries use the same key. Times are monotonic seconds."""

    video_id: str
    key: str
    text: str
    invoked_at: float
    returned_at: float = 0.0
    outcome: Outcome = Outcome.UNKNOWN
    replies: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """One event on a viewer's screen."""

    at: float
    type: str
    id: str
    data: dict[str, Any]


@dataclass(slots=True)
class Watch:
    """One viewer of one video, over all its reconnections. `fatal`: why a browser would give up."""

    video_id: str
    events: list[Seen] = field(default_factory=list)
    connects: list[float] = field(default_factory=list)
    fatal: str | None = None
    place: int | None = None  # the last number it knows about

    @property
    def head(self) -> int:
        """The last number seen, -1 before the first hello."""
        return -1 if self.place is None else self.place


@dataclass(slots=True)
class History:
    """A whole run. `stored`: video -> its comments, read from the public history at the end."""

    posts: list[Post] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
